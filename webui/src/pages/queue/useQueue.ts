/** The queue: read again at once when the topic `sessions` shows that somebody else waits now. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';

import { keys } from '../../api/queries';
import { readQueue } from '../../api/scheduler';
import type { SessionView } from '../../api/types';
import { useTopic } from '../../live/useTopic';

const REFETCH_MS = 3000;

/** Who waits, as one text that changes only when that does. */
export function waiters(rows: Record<string, SessionView>): string {
  return Object.values(rows).filter((session) => session.state === 'pending').map((session) => session.id).sort().join(' ');
}

/** Reads and follows the queue. */
export function useQueue() {
  const queries = useQueryClient();
  const { rows } = useTopic<SessionView>('sessions');
  const waiting = waiters(rows);
  useEffect(() => {
    for (const queryKey of [keys.queue, keys.capacity]) void queries.invalidateQueries({ queryKey });
  }, [queries, waiting]);
  return useQuery({ queryKey: keys.queue, queryFn: readQueue, refetchInterval: REFETCH_MS });
}
