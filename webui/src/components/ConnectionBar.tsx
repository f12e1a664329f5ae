/** Whether what is shown is live. */
import { useText } from '../i18n';
import { useLive } from '../live/socket';
import { clock } from '../state/format';

/** Shows live, connecting, resuming or since when the page is stale. */
export function ConnectionBar() {
  const text = useText();
  const link = useLive((state) => state.link);
  const staleSince = useLive((state) => state.staleSince);
  if (link === 'live') return <State tone="good" words={text.bar.live} />;
  if (staleSince === null) return <State tone="wait" words={text.bar.connecting} />;
  if (link === 'connecting') return <State tone="wait" words={text.bar.resuming} />;
  return <State tone="bad" words={text.bar.staleSince(clock(staleSince))} />;
}

function State({ tone, words }: { tone: string; words: string }) {
  return (
    <span className={`connection connection-${tone}`} role="status">
      <span className="badge-dot" aria-hidden="true" />
      {words}
    </span>
  );
}
