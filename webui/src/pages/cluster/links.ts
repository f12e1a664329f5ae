/** Links as the nodes tell them, for a matrix and for a list. Pure. */
import type { LinkView } from '../../api/types';

/** A link and whose end it is. */
export interface LinkRow {
  from: string;
  link: LinkView;
}

/** What a node said of its links; null where it did not answer. */
export type Told = Record<string, LinkView[] | null>;

/** Every end of every link, by names. */
export function linkRows(told: Told): LinkRow[] {
  return Object.entries(told)
    .flatMap(([from, links]) => (links ?? []).map((link) => ({ from, link })))
    .sort((left, right) => left.from.localeCompare(right.from, 'en', { numeric: true }) || left.link.peer.localeCompare(right.link.peer, 'en', { numeric: true }));
}

/** Everybody who has a link or should have one, by name. */
export function linkNames(told: Told): string[] {
  const names = new Set(Object.keys(told));
  for (const row of linkRows(told)) names.add(row.link.peer);
  return [...names].sort((left, right) => left.localeCompare(right, 'en', { numeric: true }));
}

/** One end of one link; undefined where nobody told of it. */
export function linkOf(told: Told, from: string, to: string): LinkView | undefined {
  return told[from]?.find((link) => link.peer === to);
}
