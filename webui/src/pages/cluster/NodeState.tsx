/** The state of a node by colour, shape and word. */
import type { NodeView } from '../../api/types';
import { useText } from '../../i18n';
import { type ShownState, shownState } from './lifecycle';

const TONE: Record<ShownState, string> = { joining: 'wait', ready: 'good', cordoned: 'hold', draining: 'warn', drained: 'idle', left: 'idle', down: 'bad' };

/** Shows a node's state; one that is not known yet is shown by its own name. */
export function NodeState({ node }: { node: Pick<NodeView, 'state' | 'up'> }) {
  const text = useText();
  const state = shownState(node);
  return (
    <span className={`badge badge-${state ? TONE[state] : 'idle'}`} title={state ? text.cluster.stateHelp[state] : undefined}>
      <span className="badge-dot" aria-hidden="true" />
      {state ? text.cluster.states[state] : node.state}
    </span>
  );
}
