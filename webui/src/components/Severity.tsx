/** How grave something is: by shape, by word and by colour. */
import type { Severity as Grade } from '../api/types';
import { useText } from '../i18n';

const SHAPES: Record<Grade, string> = {
  info: 'M8 1.5 A6.5 6.5 0 1 0 8 14.5 A6.5 6.5 0 1 0 8 1.5 Z',
  warning: 'M8 1.5 L15 14 L1 14 Z',
  danger: 'M5 1 L11 1 L15 5 L15 11 L11 15 L5 15 L1 11 L1 5 Z',
};
const TONES: Record<Grade, string> = { info: 'run', warning: 'warn', danger: 'bad' };

/** Shows a circle, triangle or octagon with its word. */
export function Severity({ grade }: { grade: Grade }) {
  const text = useText();
  return (
    <span className={`severity severity-${TONES[grade]}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true"><path d={SHAPES[grade]} /></svg>
      {text.datasets.quality.severities[grade]}
    </span>
  );
}
