/** Why a session waits, in the reader's language; the node's own sentence until the planner has answered. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { keys } from '../../api/queries';
import { whySession } from '../../api/scheduler';
import type { SessionView } from '../../api/types';
import { useText } from '../../i18n';
import { reasonText } from '../../state/reasons';

const REFETCH_MS = 5000;

/** Shows the reason, the place in the queue and the way there. */
export function Waiting({ session }: { session: SessionView }) {
  const text = useText();
  const pending = session.state === 'pending';
  const query = useQuery({ queryKey: keys.sessionPart(session.id, 'why'), queryFn: () => whySession(session.id), enabled: pending, refetchInterval: REFETCH_MS });
  const why = pending ? query.data : undefined;
  return (
    <p className="note note-info">
      <strong>{text.session.why}:</strong> {why ? reasonText(text, why) : session.reason}
      {typeof why?.position === 'number' && ` · ${text.queue.place(why.position)}`}
      {pending && <> · <Link to={`/queue?session=${session.id}`}>{text.nav.queue}</Link></>}
    </p>
  );
}
