/** Which commands fit a node's state. The cluster decides again and may refuse; here only buttons are chosen. Pure. */
import type { NodeView } from '../../api/types';

export type NodeVerb = 'cordon' | 'uncordon' | 'drain' | 'undrain' | 'decommission';

export type ShownState = 'joining' | 'ready' | 'cordoned' | 'draining' | 'drained' | 'left' | 'down';

const KNOWN = new Set<string>(['joining', 'ready', 'cordoned', 'draining', 'drained', 'left']);

/** The state people are shown: a member whose lease is over is down, whatever was wanted of it. */
export function shownState(node: Pick<NodeView, 'state' | 'up'>): ShownState | null {
  if (!KNOWN.has(node.state)) return null;
  const observed = node.state !== 'left' && node.state !== 'joining';
  return observed && !node.up ? 'down' : (node.state as ShownState);
}

/** The commands that could be obeyed, the mildest first; the only node of a cluster cannot leave it. */
export function verbsOf(node: Pick<NodeView, 'state' | 'up'>, alone: boolean): NodeVerb[] {
  const leave: NodeVerb[] = alone ? [] : ['decommission'];
  switch (node.state) {
    case 'joining':
      return leave;
    case 'ready':
      return ['cordon', 'drain', ...(node.up ? [] : leave)];
    case 'cordoned':
      return ['uncordon', 'drain', ...(node.up ? [] : leave)];
    case 'draining':
      return ['undrain', ...(node.up ? [] : leave)];
    case 'drained':
      return ['undrain', ...leave];
    default:
      return [];
  }
}
