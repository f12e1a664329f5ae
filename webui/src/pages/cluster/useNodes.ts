/** All nodes: REST for who there is, the topic `nodes` for how they are. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

import { listNodes } from '../../api/cluster';
import { keys } from '../../api/queries';
import type { NodeView } from '../../api/types';
import { useTopic } from '../../live/useTopic';

const REFETCH_MS = 10_000;

/** Each node as whichever came last says; nodes that joined since the list was read are added. */
export function merged(listed: NodeView[], live: Record<string, NodeView>, liveIsNewer: boolean): NodeView[] {
  const nodes = new Map(listed.map((node) => [node.id, node]));
  for (const [id, node] of Object.entries(live)) {
    if (liveIsNewer || !nodes.has(id)) nodes.set(id, node);
  }
  return [...nodes.values()].sort((left, right) => left.id.localeCompare(right.id, 'en', { numeric: true }));
}

/** Reads and follows the nodes, by name. */
export function useNodes() {
  const query = useQuery({ queryKey: keys.nodes, queryFn: listNodes, refetchInterval: REFETCH_MS });
  const live = useTopic<NodeView>('nodes');
  const { data, dataUpdatedAt } = query;
  const nodes = useMemo(() => merged(data ?? [], live.rows, live.changedAt >= dataUpdatedAt), [data, dataUpdatedAt, live.rows, live.changedAt]);
  return { query, nodes, changedAt: Math.max(live.changedAt, dataUpdatedAt) };
}
