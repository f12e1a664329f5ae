/** How old a value is. A live one is marked once the stream is silent. */
import { useText } from '../i18n';
import { useStaleSince } from '../live/useTopic';
import { clock, roughly } from '../state/format';
import { useNow } from '../state/useNow';

/** Shows the age of something measured at `at`, milliseconds since 1970 or RFC 3339. */
export function Age({ at, live = false }: { at: number | string; live?: boolean }) {
  const text = useText();
  const now = useNow();
  const stale = useStaleSince();
  const time = typeof at === 'number' ? at : Date.parse(at);
  const seconds = (now - time) / 1000;
  const words = seconds < 2 ? text.common.justNow : text.common.ago(roughly(seconds, text));
  return (
    <time className={live && stale !== null ? 'age age-stale' : 'age'} dateTime={new Date(time).toISOString()} title={`${clock(time)} UTC`}>
      {words}
    </time>
  );
}
