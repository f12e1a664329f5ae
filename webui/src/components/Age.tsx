/** How old a live value is; greyed out once the stream is silent. */
import { useText } from '../i18n';
import { useStaleSince } from '../live/useTopic';
import { clock, roughly } from '../state/format';
import { useNow } from '../state/useNow';

/** Shows the age of something measured at `at`, milliseconds since 1970 or RFC 3339. */
export function Age({ at }: { at: number | string }) {
  const text = useText();
  const now = useNow();
  const stale = useStaleSince();
  const time = typeof at === 'number' ? at : Date.parse(at);
  const seconds = (now - time) / 1000;
  const words = seconds < 2 ? text.common.justNow : text.common.ago(roughly(seconds, text));
  return (
    <time className={stale === null ? 'age' : 'age age-stale'} dateTime={new Date(time).toISOString()} title={`${clock(time)} UTC`}>
      {words}
    </time>
  );
}
