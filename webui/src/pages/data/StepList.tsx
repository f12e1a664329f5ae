/** What was done to data, in order. */
import type { DatasetView } from '../../api/types';
import { useText } from '../../i18n';

/** Shows the steps; what looks ahead says so. */
export function StepList({ steps }: { steps: DatasetView['transformations'] }) {
  const text = useText();
  const known: Record<string, string> = text.datasets.stepNames;
  return (
    <ol className="warnings">
      {(steps ?? []).map((step, index) => (
        <li key={index}>{known[step.name] ?? step.name}: {text.said(step.detail)}{step.looks_ahead && <> <span className="tag tag-warn">{text.datasets.looksAhead}</span></>}</li>
      ))}
    </ol>
  );
}
