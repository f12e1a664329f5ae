/** The actor tree as rows: each supervisor before its children, with its depth. Pure. */
import type { ActorView } from '../../api/types';

export interface ActorRow {
  actor: ActorView;
  depth: number;
}

/** Orders actors depth first. One whose supervisor is not listed stands at the root; a circle is cut, not followed. */
export function actorRows(actors: ActorView[]): ActorRow[] {
  const names = new Set(actors.map((actor) => actor.name));
  const children = new Map<string, ActorView[]>();
  const roots: ActorView[] = [];
  for (const actor of actors) {
    const above = actor.supervisor;
    if (above === null || !names.has(above) || above === actor.name) roots.push(actor);
    else children.set(above, [...(children.get(above) ?? []), actor]);
  }
  const rows: ActorRow[] = [];
  const seen = new Set<string>();
  const walk = (actor: ActorView, depth: number): void => {
    if (seen.has(actor.name)) return;
    seen.add(actor.name);
    rows.push({ actor, depth });
    for (const child of children.get(actor.name) ?? []) walk(child, depth + 1);
  };
  for (const root of roots) walk(root, 0);
  for (const actor of actors) walk(actor, 0);
  return rows;
}
