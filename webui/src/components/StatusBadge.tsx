/** The state of a session by colour, shape and word. */
import type { SessionState } from '../api/types';
import { useText } from '../i18n';

const TONE: Record<SessionState, string> = {
  pending: 'wait', placed: 'wait', starting: 'wait', running: 'run', pausing: 'hold', paused: 'hold',
  stopping: 'hold', recovering: 'warn', completed: 'good', stopped: 'idle', failed: 'bad',
};

/** Shows a state; one that is not known yet is shown by its own name. */
export function StatusBadge({ state }: { state: SessionState }) {
  const text = useText();
  const tone = TONE[state] ?? 'idle';
  return (
    <span className={`badge badge-${tone}`}>
      <span className="badge-dot" aria-hidden="true" />
      {text.sessions.states[state] ?? state}
    </span>
  );
}
