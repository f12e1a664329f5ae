/** The sessions list: one page from REST, kept current by the topic `sessions`. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

import { keys } from '../../api/queries';
import { listSessions, type SessionFilter } from '../../api/sessions';
import type { SessionView } from '../../api/types';
import { useTopic } from '../../live/useTopic';

const IDLE_REFETCH_MS = 30_000;

/** The newer of two views of one session. */
export function newest(left: SessionView, right: SessionView | undefined): SessionView {
  return right && right.revision >= left.revision ? right : left;
}

/** Whether a session belongs into a list. */
export function matches(session: SessionView, filter: SessionFilter): boolean {
  return (
    (!filter.kind || session.kind === filter.kind) &&
    (!filter.state || session.state === filter.state) &&
    (!filter.strategy_id || session.strategy_id === filter.strategy_id)
  );
}

/** Reads and follows the sessions that pass `filter`. */
export function useSessions(filter: SessionFilter) {
  const query = useInfiniteQuery({
    queryKey: [...keys.sessions, 'list', filter],
    queryFn: ({ pageParam }) => listSessions(filter, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: IDLE_REFETCH_MS,
  });
  const live = useTopic<SessionView>('sessions');
  const { rows, unseen } = useMemo(() => {
    const listed = (query.data?.pages ?? []).flatMap((page) => page.items);
    const known = new Set(listed.map((session) => session.id));
    const first = listed[0]?.created_at ?? '';
    const fresh = Object.values(live.rows).filter((session) => !known.has(session.id) && matches(session, filter) && session.created_at > first);
    const current = listed.map((session) => newest(session, live.rows[session.id]));
    return { rows: current.filter((session) => matches(session, filter)), unseen: fresh.length };
  }, [query.data, live.rows, filter]);
  return { query, rows, unseen, changedAt: Math.max(live.changedAt, query.dataUpdatedAt) };
}
