/** Which sessions are placed on which node: asked of each node's list, kept current by the topic `sessions`. */
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';

import { readNodeSessions } from '../../api/cluster';
import { keys } from '../../api/queries';
import type { NodeView, SessionView } from '../../api/types';
import { useTopic } from '../../live/useTopic';
import { isTerminal } from '../sessions/useSession';
import { newest } from '../sessions/useSessions';

const REFETCH_MS = 10_000;

/** The sessions that have not ended, by node; of two views of one session the newer counts. */
export function byNode(listed: SessionView[], live: Record<string, SessionView>): Map<string, SessionView[]> {
  const known = new Map<string, SessionView>();
  for (const session of [...listed, ...Object.values(live)]) {
    const before = known.get(session.id);
    known.set(session.id, before ? newest(before, session) : session);
  }
  const placed = new Map<string, SessionView[]>();
  for (const session of known.values()) {
    if (session.node === null || isTerminal(session.state)) continue;
    placed.set(session.node, [...(placed.get(session.node) ?? []), session]);
  }
  for (const sessions of placed.values()) sessions.sort((left, right) => left.created_at.localeCompare(right.created_at));
  return placed;
}

/** Reads and follows the sessions of all nodes. */
export function usePlaced(nodes: NodeView[]): Map<string, SessionView[]> {
  const names = nodes.map((node) => node.id).join(' ');
  const listed = useQueries({
    queries: (names === '' ? [] : names.split(' ')).map((id) => ({ queryKey: keys.nodeSessions(id), queryFn: () => readNodeSessions(id), refetchInterval: REFETCH_MS })),
    combine: (results) => results.flatMap((result) => result.data ?? []),
  });
  const live = useTopic<SessionView>('sessions');
  return useMemo(() => byNode(listed, live.rows), [listed, live.rows]);
}
