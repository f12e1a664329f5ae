/** Sends a command to a node and reads again what it changes. */
import { useMutation, useQueryClient } from '@tanstack/react-query';

import { commandNode } from '../../api/cluster';
import { keys } from '../../api/queries';
import { useText } from '../../i18n';
import { toast } from '../../state/toast';
import type { NodeVerb } from './lifecycle';

/** A refusal stays in `error`, for the dialog that asked. */
export function useNodeCommand(node: string) {
  const text = useText();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ verb, reason }: { verb: NodeVerb; reason: string }) => commandNode(node, verb, reason),
    onSuccess: (_, { verb }) => {
      toast('good', text.cluster.asked[verb](node));
      for (const queryKey of [keys.nodes, keys.cluster, keys.scheduler]) void queries.invalidateQueries({ queryKey });
    },
  });
}
