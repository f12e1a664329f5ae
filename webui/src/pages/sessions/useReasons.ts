/** Why sessions of a list wait, in the reader's language. */
import { useQuery } from '@tanstack/react-query';

import { keys } from '../../api/queries';
import { readQueue } from '../../api/scheduler';
import type { SessionView } from '../../api/types';
import { useText } from '../../i18n';
import { reasonText } from '../../state/reasons';

const REFETCH_MS = 10_000;

/** Returns a session's reason; the queue is asked only while somebody in the list waits. */
export function useReasons(sessions: SessionView[]): (session: SessionView) => string {
  const text = useText();
  const waits = sessions.some((session) => session.state === 'pending');
  const query = useQuery({ queryKey: keys.queue, queryFn: readQueue, enabled: waits, refetchInterval: REFETCH_MS });
  return (session) => {
    const entry = session.state === 'pending' ? query.data?.find((each) => each.session_id === session.id) : undefined;
    return entry ? reasonText(text, entry) : session.reason;
  };
}
