/** Commands to a node, each with its consequences, a reason and, where it cannot be taken back, the typed name. */
import { Button } from 'antd';
import { useState } from 'react';

import type { NodeView } from '../../api/types';
import { ReasonDialog } from '../../components/ReasonDialog';
import { useText } from '../../i18n';
import { type NodeVerb, verbsOf } from './lifecycle';
import { useNodeCommand } from './useNodeCommand';

const HARMLESS = new Set<NodeVerb>(['uncordon', 'undrain']);

/** Shows the buttons that could do something now. */
export function NodeActions({ node, alone }: { node: NodeView; alone: boolean }) {
  const text = useText();
  const words = text.cluster;
  const [asking, setAsking] = useState<NodeVerb | null>(null);
  const command = useNodeCommand(node.id);
  const close = () => {
    command.reset();
    setAsking(null);
  };
  const verbs = verbsOf(node, alone);
  if (verbs.length === 0) return null;
  return (
    <div className="row-actions" role="group" aria-label={words.actionsOf(node.id)}>
      {verbs.map((verb) => (
        <Button key={verb} size="small" danger={verb === 'decommission'} onClick={() => setAsking(verb)}>{words.verbs[verb]}</Button>
      ))}
      {asking && (
        <ReasonDialog
          title={words.ask[asking](node.id)}
          help={words.askHelp[asking]}
          action={words.verbs[asking]}
          danger={!HARMLESS.has(asking)}
          typed={asking === 'decommission' ? node.id : undefined}
          reasonHelp={words.reasonHelp}
          busy={command.isPending}
          error={command.error}
          onConfirm={(reason) => command.mutate({ verb: asking, reason }, { onSuccess: close })}
          onClose={close}
        />
      )}
    </div>
  );
}
