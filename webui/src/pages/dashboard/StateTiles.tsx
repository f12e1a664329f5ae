/** How many sessions are in which state; each number leads to them. */
import { Link } from 'react-router';

import type { SessionState, SessionView } from '../../api/types';
import { useText } from '../../i18n';

type Group = 'active' | 'waiting' | 'paused' | 'done' | 'failed';

const GROUPS: { key: Group; states: SessionState[]; link: string }[] = [
  { key: 'active', states: ['running', 'starting', 'pausing', 'stopping', 'recovering'], link: 'running' },
  { key: 'waiting', states: ['pending', 'placed'], link: 'pending' },
  { key: 'paused', states: ['paused'], link: 'paused' },
  { key: 'done', states: ['completed', 'stopped'], link: 'completed' },
  { key: 'failed', states: ['failed'], link: 'failed' },
];

/** Shows the counts. */
export function StateTiles({ sessions }: { sessions: SessionView[] }) {
  const text = useText();
  return (
    <section aria-label={text.dashboard.byState}>
      <div className="tiles">
        {GROUPS.map((group) => (
          <Link key={group.key} className={`tile tile-${group.key}`} to={`/sessions?state=${group.link}`}>
            <span className="tile-value num">{sessions.filter((session) => group.states.includes(session.state)).length}</span>
            <span className="tile-name">{text.dashboard.groups[group.key]}</span>
          </Link>
        ))}
      </div>
      <p className="hint tiles-note">{text.dashboard.byStateNote(sessions.length)}</p>
    </section>
  );
}
