/** The headline: what may be said, and the tests that say so. */
import type { EvaluationCheck, EvaluationReport } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { Rich } from '../../components/Rich';
import { useText } from '../../i18n';
import { day } from '../../state/format';
import { taskName } from '../reports/policyName';
import { useTexts } from '../../i18n';
import { CheckOutcome } from './CheckOutcome';

const TONES: Record<EvaluationReport['verdict']['outcome'], string> = { shown: 'good', not_shown: 'warn', refuted: 'bad' };

/** Failed tests first, then those that say nothing, then those that were passed. */
const RANK: Record<EvaluationCheck['outcome'], number> = { failed: 0, undefined: 1, passed: 2 };

/** Shows the verdict with its reasons. */
export function VerdictCard({ report }: { report: EvaluationReport }) {
  const text = useText();
  const { fields } = useTexts();
  const words = text.evaluation;
  const { outcome, checks } = report.verdict;
  const of = (wanted: EvaluationCheck['outcome']) => checks.filter((check) => check.outcome === wanted).length;
  const names: Record<string, string> = words.checks;
  return (
    <section className={`verdict card verdict-${TONES[outcome] ?? 'warn'}`} aria-label={words.verdict}>
      <div className="verdict-main">
        <span className="figure-name">{words.verdict}</span>
        <span className="verdict-value">{words.outcomes[outcome] ?? outcome}</span>
        <span className="hint">{words.tally(of('passed'), of('failed'), of('undefined'))}</span>
      </div>
      <p>{words.outcomeHelp[outcome]}</p>
      <DataTable
        dense
        caption={words.verdict}
        rows={[...checks].sort((left, right) => (RANK[left.outcome] ?? 1) - (RANK[right.outcome] ?? 1))}
        rowKey={(row) => row.code}
        columns={[
          { key: 'outcome', title: words.outcome, tight: true, cell: (row) => <CheckOutcome outcome={row.outcome} /> },
          { key: 'check', title: words.check, head: true, cell: (row) => names[row.code] ?? row.code.replaceAll('_', ' ') },
          { key: 'reason', title: words.reason, cell: (row) => <Rich words={row.detail} /> },
        ]}
      />
      <p className="hint">
        {taskName(report.task, fields)} · {report.dataset} · {text.report.segment}: {text.report.segments[report.segment] ?? report.segment} · {day(report.from)} – {day(report.to)}
      </p>
    </section>
  );
}
