/** What is needed to compute the same report again. */
import type { BacktestReport } from '../../api/types';
import { Card } from '../../components/Card';
import { Facts } from '../../components/Facts';
import { Json } from '../../components/Json';
import { useText, useTexts } from '../../i18n';
import { number } from '../../state/format';
import { taskName } from './policyName';

/** Shows inputs, checksums and configurations. */
export function Reproduction({ report }: { report: BacktestReport }) {
  const text = useText();
  const { fields } = useTexts();
  return (
    <Card title={text.report.reproduce}>
      <p className="hint">{text.report.reproduceHelp}</p>
      <Facts
        facts={[
          [text.sessions.dataset, report.dataset],
          [text.session.snapshot, <code className="hash hash-long">{report.dataset_sha256}</code>],
          [text.session.model, report.model_sha256 && <code className="hash hash-long">{report.model_sha256}</code>],
          [text.report.task, report.task && taskName(report.task, fields)],
          [text.report.instruments, (report.instruments ?? []).length > 1 && (report.instruments ?? []).join(', ')],
          [text.report.truth, text.report.truths[report.truth]],
          [text.report.periods, number(report.periods_per_year)],
          [text.session.build, report.build],
        ]}
      />
      <div className="two-columns">
        <details>
          <summary>{text.report.strategyRun}</summary>
          <Json label={text.report.strategyRun} value={report.strategy} />
        </details>
        <details>
          <summary>{text.report.sessionRun}</summary>
          <Json label={text.report.sessionRun} value={report.session} />
        </details>
      </div>
    </Card>
  );
}
