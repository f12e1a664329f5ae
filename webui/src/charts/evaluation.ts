/** From an evaluation's figures to what is drawn. Pure. */
import type { BreakEven, EvaluationFold, PeriodReturn } from '../api/types';
import type { Line } from './LinesChart';

/** Where the parts of an interval stand on its own axis, 0 (left) to 1 (right). */
export interface IntervalPlaces {
  low: number;
  high: number;
  value: number | null;
  zero: number;
  containsZero: boolean;
}

const MARGIN = 0.06;

/** Places of an interval on an axis that always shows 0. */
export function intervalPlaces(low: number, high: number, value: number | null): IntervalPlaces {
  const shown = [low, high, 0, ...(value === null ? [] : [value])].filter(Number.isFinite);
  const [least, most] = [Math.min(...shown), Math.max(...shown)];
  const span = most - least || 1;
  const place = (each: number): number => MARGIN + (1 - 2 * MARGIN) * ((each - least) / span);
  return { low: place(low), high: place(high), value: value === null ? null : place(value), zero: place(0), containsZero: low <= 0 && high >= 0 };
}

/** A ladder of costs for drawing: multiples in order, total returns, and the point at which nothing is left. */
export interface Ladder {
  x: number[];
  y: (number | null)[];
  mark: (number | null)[];
}

/** Joins the rungs and the break-even point on one axis. */
export function ladderOf(rungs: { multiplier: number; total_return: number | null }[], breakEven: BreakEven): Ladder {
  const sorted = [...rungs].sort((left, right) => left.multiplier - right.multiplier);
  const last = sorted.at(-1)?.multiplier ?? 0;
  const at = breakEven.kind === 'at' && breakEven.multiplier <= last ? breakEven.multiplier : null;
  const rows = sorted.map((rung) => ({ x: rung.multiplier, y: rung.total_return, mark: rung.multiplier === at ? 0 : null }));
  if (at !== null && !rows.some((row) => row.x === at)) rows.push({ x: at, y: 0, mark: 0 });
  rows.sort((left, right) => left.x - right.x);
  return { x: rows.map((row) => row.x), y: rows.map((row) => row.y), mark: rows.map((row) => row.mark) };
}

/** Two ladders over one axis; null where one of them has no point of its own. */
export interface LadderPair extends Ladder {
  other: Pick<Ladder, 'y' | 'mark'> | null;
}

/** Puts a second ladder beside the first. */
export function ladderPair(first: Ladder, other: Ladder | null): LadderPair {
  if (!other) return { ...first, other: null };
  const x = [...new Set([...first.x, ...other.x])].sort((left, right) => left - right);
  const over = (ladder: Ladder, pick: 'y' | 'mark') => x.map((each) => ladder[pick][ladder.x.indexOf(each)] ?? null);
  return { x, y: over(first, 'y'), mark: over(first, 'mark'), other: { y: over(other, 'y'), mark: over(other, 'mark') } };
}

/** One year of monthly returns: twelve places, null where there is none. */
export interface YearRow {
  year: string;
  months: (number | null)[];
  total: number | null;
}

/** Monthly returns as a grid, oldest year first. The year's own figure where it is given, else its months compounded. */
export function monthGrid(months: PeriodReturn[], years: PeriodReturn[]): YearRow[] {
  const rows = new Map<string, (number | null)[]>();
  for (const { label, value } of months) {
    const [year, month] = label.split('-');
    const place = Number(month) - 1;
    if (year === undefined || !(place >= 0 && place < 12)) continue;
    const row = rows.get(year) ?? new Array<number | null>(12).fill(null);
    row[place] = value;
    rows.set(year, row);
  }
  const totals = new Map(years.map(({ label, value }) => [label, value]));
  return [...rows.entries()]
    .sort(([left], [right]) => left.localeCompare(right))
    .map(([year, row]) => ({ year, months: row, total: totals.get(year) ?? row.reduce<number>((growth, value) => growth * (1 + (value ?? 0)), 1) - 1 }));
}

/** How strongly a cell is coloured, 0 to 1: its share of the largest return on the page. */
export function heat(value: number | null, largest: number): number {
  if (value === null || largest <= 0) return 0;
  return Math.min(1, Math.abs(value) / largest);
}

/** The curves of all folds on one time axis, each the growth of 1; `nameOf` says what a fold is called. */
export function foldLines(folds: EvaluationFold[], nameOf: (fold: EvaluationFold) => string): { timesMs: number[]; lines: Line[] } {
  const timesMs = [...new Set(folds.flatMap((fold) => fold.times_ms))].sort((left, right) => left - right);
  const place = new Map(timesMs.map((time, index) => [time, index]));
  const lines = folds.map((fold, index) => {
    const values = new Array<number | null>(timesMs.length).fill(null);
    fold.times_ms.forEach((time, at) => {
      const value = fold.equity[at];
      const where = place.get(time);
      if (where !== undefined && value !== undefined) values[where] = value;
    });
    return { label: nameOf(fold), colour: index % 2 === 0 ? 'curve-1' : 'curve-2', values, main: true };
  });
  return { timesMs, lines };
}
