/** Frames of the live stream `tm.v1`, as the reducer reads and writes them. */

/** Newest value per key. */
export interface StateData {
  rows?: Record<string, unknown>;
  set?: Record<string, unknown>;
  del?: string[];
}

/** Binned points of one series; `at` is the index from which a delta overwrites. */
export interface SeriesPart {
  at?: number;
  x: number[];
  min: (number | null)[];
  max: (number | null)[];
  last: (number | null)[];
  n: number[];
}

/** Series of one topic. */
export interface SeriesData {
  stride?: number;
  series?: Record<string, SeriesPart>;
}

/** Items of a log topic or lines of a text topic. */
export interface ListData {
  items?: Record<string, unknown>[];
  lines?: Record<string, unknown>[];
  dropped?: number;
}

export type TopicData = StateData & SeriesData & ListData;

export type ServerFrame =
  | { t: 'welcome'; epoch: string; expires_at: string; heartbeat_ms?: number }
  | { t: 'auth_ok'; expires_at: string }
  | { t: 'sub_ok'; sid: number; epoch: string; seq: number; mode: 'resumed' | 'snapshot' }
  | { t: 'sub_err'; sid: number; code: string; detail?: string }
  | { t: 'unsub_ok'; sid: number }
  | { t: 'snap'; sid: number; seq: number; more: boolean; data: TopicData }
  | { t: 'delta'; sid: number; from: number; seq: number; ts?: string; data: TopicData }
  | { t: 'gap'; sid: number; last: number; next: number; reason: string }
  | { t: 'end'; sid: number; code: string }
  | { t: 'ping'; n: number; ts?: string; heads?: Record<string, number> }
  | { t: 'notice'; reason: string; reconnect_after_ms?: number }
  | { t: 'error'; code: string; detail?: string };

export type ClientFrame =
  | { t: 'hello'; v: 1; ticket: string; client: string }
  | { t: 'auth'; ticket: string }
  | { t: 'sub'; sid: number; topic: string; params: Record<string, never>; since?: Since }
  | { t: 'unsub'; sid: number }
  | { t: 'pong'; n: number };

/** Where a topic was left. */
export interface Since {
  epoch: string;
  seq: number;
}

/** Reads a text frame; anything that is no frame object is refused. */
export function readFrame(text: string): ServerFrame | null {
  try {
    const value: unknown = JSON.parse(text);
    const named = typeof value === 'object' && value !== null && typeof (value as { t?: unknown }).t === 'string';
    return named ? (value as ServerFrame) : null;
  } catch {
    return null;
  }
}
