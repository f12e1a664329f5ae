/** How far the draining of a node is, against the most sessions seen on it while this page was open. */
import { useRef } from 'react';

import type { NodeView } from '../../api/types';
import { useText } from '../../i18n';

/** Shows how many sessions are still there and how many have moved. */
export function DrainProgress({ node }: { node: NodeView }) {
  const text = useText();
  const most = useRef(node.session_count);
  most.current = Math.max(most.current, node.session_count);
  const moved = most.current - node.session_count;
  return (
    <div className="drain" role="status">
      <p><strong>{text.cluster.drainLeft(node.session_count)}</strong> {moved > 0 && <span className="hint num">{text.cluster.drainDone(moved, most.current)}</span>}</p>
      <progress max={Math.max(most.current, 1)} value={most.current === 0 ? 1 : moved} aria-label={text.cluster.drainLabel(node.id)} />
    </div>
  );
}
