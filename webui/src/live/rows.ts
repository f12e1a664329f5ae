/** Keyed values of a state topic. */
import type { StateData } from './frames';

/** Applies a delta; returns the same object when it holds no keyed values. */
export function mergeRows(rows: Record<string, unknown>, data: StateData): Record<string, unknown> {
  if (!data.set && !data.del?.length) return rows;
  const next = { ...rows, ...data.set };
  for (const key of data.del ?? []) delete next[key];
  return next;
}
