/** The state of a link by colour, shape and word. */
import { useText } from '../../i18n';

const TONE: Record<string, string> = { ready: 'good', down: 'bad', closing: 'hold', dialing: 'wait', hello: 'wait', handover: 'wait' };

/** Shows a link's state; one that is not known yet is shown by its own name. */
export function LinkState({ state }: { state: string }) {
  const text = useText();
  const known: Record<string, string> = text.cluster.linkStates;
  return (
    <span className={`badge badge-${TONE[state] ?? 'idle'}`}>
      <span className="badge-dot" aria-hidden="true" />
      {known[state] ?? state}
    </span>
  );
}
