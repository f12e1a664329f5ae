/** Where a session may run, as written in the form and as it is sent. */
import type { Placement } from '../../api/types';

/** What was written. Empty: no wish. */
export interface Wishes {
  team: string;
  node: string;
  role: string;
  /** `key=value` pairs, separated by commas. */
  labels: string;
  preemptible: boolean;
}

export const NO_WISHES: Wishes = { team: '', node: '', role: '', labels: '', preemptible: true };

const LABELS_MAX = 16;

/** Reads `zone=eu, disk=nvme`; null where a part is no pair, is named twice, or there are too many. */
export function readLabels(text: string): Record<string, string> | null {
  const parts = text.split(',').map((part) => part.trim()).filter((part) => part !== '');
  const pairs = parts.map((part) => part.split('=').map((side) => side.trim()));
  const whole = pairs.every((pair) => pair.length === 2 && pair[0] !== '' && pair[1] !== '');
  const labels = Object.fromEntries(pairs as [string, string][]) as Record<string, string>;
  return whole && Object.keys(labels).length === pairs.length && pairs.length <= LABELS_MAX ? labels : null;
}

/** Returns what is sent; null while the labels cannot be read. */
export function placementOf(wishes: Wishes): Placement | null {
  const labels = readLabels(wishes.labels);
  if (labels === null) return null;
  return { labels, role: wishes.role.trim() || null, node: wishes.node || null, preemptible: wishes.preemptible };
}
