/** How a test ended: by sign, by word and by colour. */
import type { EvaluationCheck } from '../../api/types';
import { useText } from '../../i18n';

const SIGNS: Record<EvaluationCheck['outcome'], string> = { passed: '✓', failed: '✗', undefined: '?' };
const TONES: Record<EvaluationCheck['outcome'], string> = { passed: 'good', failed: 'bad', undefined: 'idle' };

/** Shows an outcome; one that is not known yet by its own name. */
export function CheckOutcome({ outcome }: { outcome: EvaluationCheck['outcome'] }) {
  const text = useText();
  return (
    <span className={`outcome outcome-${TONES[outcome] ?? 'idle'}`}>
      <span aria-hidden="true">{SIGNS[outcome] ?? '?'}</span> {text.evaluation.checkOutcomes[outcome] ?? outcome}
    </span>
  );
}
