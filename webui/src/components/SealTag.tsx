/** What a report says about sealed rows; nothing where nothing was sealed. */
import type { SealMark } from '../api/types';
import { useText } from '../i18n';
import { clock } from '../state/format';

/** Shows the mark of a report. */
export function SealTag({ mark }: { mark: SealMark | undefined }) {
  const text = useText();
  if (!mark || mark.state === 'none') return null;
  const when = 'opened_ms' in mark ? text.seal.openedAt(clock(mark.opened_ms)) : undefined;
  const others = 'other_snapshots' in mark ? (mark.other_snapshots ?? 0) : 0;
  return (
    <span className={mark.state === 'after_opening' || others > 0 ? 'tag tag-warn' : 'tag'} title={when}>
      {text.seal.marks[mark.state]}
      {others > 0 && ` · ${text.seal.otherSnapshots(others)}`}
    </span>
  );
}
