/** How far a session is, with a label for those who do not see the bar. */
import type { SessionView } from '../api/types';
import { useText } from '../i18n';
import { duration } from '../state/format';

/** Shows a bar, its percentage and the time left. */
export function Progress({ session, large = false }: { session: SessionView; large?: boolean }) {
  const text = useText();
  const { ratio, eta_seconds: eta } = session.progress;
  const known = session.state === 'completed' ? 1 : ratio;
  if (known === null || known === undefined) return <span className="hint">—</span>;
  const done = Math.min(1, Math.max(0, known));
  const active = session.state === 'running' || session.state === 'pausing' || session.state === 'stopping';
  return (
    <span className={large ? 'progress progress-large' : 'progress'}>
      <progress max={1} value={done} aria-label={text.sessions.progressLabel(session.name)} data-state={session.state} />
      <span className="num">{Math.floor(done * 100)} %</span>
      {active && typeof eta === 'number' && <span className="hint num">{text.sessions.eta(duration(eta, text))}</span>}
    </span>
  );
}
