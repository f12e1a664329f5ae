/** Asks where a session should go and why. */
import { useState } from 'react';

import type { NodeView, SessionView } from '../../api/types';
import { NativeSelect } from '../../components/NativeSelect';
import { ReasonDialog } from '../../components/ReasonDialog';
import { useText } from '../../i18n';
import { bytes } from '../../state/format';
import { useNodes } from '../cluster/useNodes';
import { useSessionMove } from './useSession';

const MIB = 1024 * 1024;

/** Where a session could go: nodes that are up and open, but not where it is. */
export function targetsOf(session: SessionView, nodes: NodeView[]): NodeView[] {
  return nodes.filter((node) => node.up && node.state === 'ready' && node.id !== session.node);
}

/** Shows the targets with what is free there; without a choice the planner chooses. */
export function MoveDialog({ session, onClose }: { session: SessionView; onClose: () => void }) {
  const text = useText();
  const words = text.queue;
  const { query, nodes } = useNodes();
  const [target, setTarget] = useState('');
  const move = useSessionMove(session.id);
  const targets = targetsOf(session, nodes);
  const chosen = targets.find((node) => node.id === target);
  return (
    <ReasonDialog
      title={words.moveTitle(session.name)}
      help={words.moveHelp}
      action={words.move}
      danger={false}
      reasonHelp={text.cluster.reasonHelp}
      busy={move.isPending}
      error={move.error}
      onConfirm={(reason) => move.mutate({ node: target === '' ? null : target, reason }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <div className="field">
        <label htmlFor="move-target">{words.moveTo}</label>
        <NativeSelect id="move-target" value={target} options={[{ value: '', label: words.anyNode }, ...targets.map(({ id }) => ({ value: id, label: id }))]} describedBy="move-target-help" onChange={setTarget} />
        <p className="hint" id="move-target-help">{chosen ? words.moveToHelp(free(chosen, words.freeText)) : query.data && targets.length === 0 && words.noTarget}</p>
      </div>
    </ReasonDialog>
  );
}

function free(node: NodeView, say: (cores: string, memory: string, gpus: string) => string): string {
  const memory = bytes((node.memory_capacity_mib - node.memory_reserved_mib) * MIB);
  return say(String(node.cpu_capacity - node.cpu_reserved), memory, String(node.gpu_capacity - node.gpu_reserved));
}
