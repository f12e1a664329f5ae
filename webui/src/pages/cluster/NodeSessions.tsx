/** The sessions that are placed on a node. */
import { useState } from 'react';
import { Link } from 'react-router';

import type { NodeView, SessionView } from '../../api/types';
import { Progress } from '../../components/Progress';
import { StatusBadge } from '../../components/StatusBadge';
import { useText } from '../../i18n';

const SHOWN = 4;

/** Shows some sessions, and all on request. */
export function NodeSessions({ node, sessions }: { node: NodeView; sessions: SessionView[] }) {
  const text = useText();
  const [all, setAll] = useState(false);
  const shown = all ? sessions : sessions.slice(0, SHOWN);
  if (sessions.length === 0) return <p className="hint">{text.cluster.noSessionsHere}</p>;
  return (
    <section className="node-sessions" aria-label={`${text.sessions.title}: ${node.id}`}>
      <h3>{text.cluster.sessionsHere(sessions.length)}</h3>
      <ul>
        {shown.map((session) => (
          <li key={session.id}>
            <Link to={`/sessions/${session.id}`}>{session.name}</Link>
            <StatusBadge state={session.state} />
            <Progress session={session} />
          </li>
        ))}
      </ul>
      {shown.length < sessions.length && <button type="button" className="link" onClick={() => setAll(true)}>{text.cluster.showAll(sessions.length)}</button>}
    </section>
  );
}
