/** Curves of one session in typed arrays, outside React. Charts draw from them on animation frames. */
import type { SeriesView } from '../api/types';
import type { SeriesData, SeriesPart } from './frames';

const FIRST_CAPACITY = 256;

/** One curve: bins with smallest, largest and last value. NaN stands for "not defined". */
export class Curve {
  x = new Float64Array(FIRST_CAPACITY);
  min = new Float64Array(FIRST_CAPACITY);
  max = new Float64Array(FIRST_CAPACITY);
  last = new Float64Array(FIRST_CAPACITY);
  n = new Uint32Array(FIRST_CAPACITY);
  length = 0;

  /** Overwrites from `part.at` (the end, where absent) and cuts what lay beyond. */
  write(part: SeriesPart): void {
    const at = Math.min(part.at ?? this.length, this.length);
    this.reserve(at + part.x.length);
    for (let index = 0; index < part.x.length; index += 1) {
      this.x[at + index] = part.x[index] ?? Number.NaN;
      this.min[at + index] = part.min[index] ?? Number.NaN;
      this.max[at + index] = part.max[index] ?? Number.NaN;
      this.last[at + index] = part.last[index] ?? Number.NaN;
      this.n[at + index] = part.n[index] ?? 0;
    }
    this.length = at + part.x.length;
  }

  /** How many points the bins stand for. */
  pointCount(): number {
    let count = 0;
    for (let index = 0; index < this.length; index += 1) count += this.n[index] ?? 0;
    return count;
  }

  private reserve(wanted: number): void {
    if (wanted <= this.x.length) return;
    const capacity = Math.max(wanted, this.x.length * 2);
    const grown = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const next = new Float64Array(capacity);
      next.set(old);
      return next;
    };
    this.x = grown(this.x);
    this.min = grown(this.min);
    this.max = grown(this.max);
    this.last = grown(this.last);
    const counts = new Uint32Array(capacity);
    counts.set(this.n);
    this.n = counts;
  }
}

/** All curves of one session, with listeners that hear of changes. */
export class SeriesSet {
  readonly curves = new Map<string, Curve>();
  stride = 1;
  version = 0;
  private readonly listeners = new Set<() => void>();

  /** Replaces everything by what REST returned. */
  load(views: SeriesView[]): void {
    this.curves.clear();
    for (const view of views) this.curve(view.name).write({ ...view, at: 0 });
    this.stride = Math.max(1, ...views.map((view) => view.stride));
    this.changed();
  }

  /** Applies what the live stream sent. */
  apply(change: 'snapshot' | 'delta' | 'gap', data: SeriesData): void {
    if (change === 'snapshot') this.curves.clear();
    if (data.stride !== undefined) this.stride = data.stride;
    for (const [name, part] of Object.entries(data.series ?? {})) {
      this.curve(name).write(change === 'snapshot' ? { ...part, at: 0 } : part);
    }
    this.changed();
  }

  /** Hears of every change until the returned function is called. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private curve(name: string): Curve {
    let curve = this.curves.get(name);
    if (!curve) {
      curve = new Curve();
      this.curves.set(name, curve);
    }
    return curve;
  }

  private changed(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }
}
