/** What a stretch is called in the reader's language. Pure. */
import type { Dictionary } from '../../i18n/en';

/** `block 3` and `group 3` in words; other names as they are. */
export function foldName(name: string, text: Dictionary): string {
  const [, kind, number] = /^(block|group) (\d+)$/.exec(name) ?? [];
  if (number === undefined) return name;
  return kind === 'block' ? text.evaluation.block(number) : text.evaluation.group(number);
}
