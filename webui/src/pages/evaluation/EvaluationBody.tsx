/** An evaluation in reading order: verdict, curves, intervals, costs, folds, regimes, the whole sheet, what is missing. */
import { useMemo } from 'react';

import type { EvaluationReport } from '../../api/types';
import { type Line, LinesChart } from '../../charts/LinesChart';
import { Card } from '../../components/Card';
import { ChartCard } from '../../components/ChartCard';
import { Facts } from '../../components/Facts';
import { Json } from '../../components/Json';
import { Rich } from '../../components/Rich';
import { useText } from '../../i18n';
import { number } from '../../state/format';
import { CurvesTable } from '../reports/CurvesTable';
import { policyName } from '../reports/policyName';
import { CostsCard } from './CostsCard';
import { DrawdownsTable } from './DrawdownsTable';
import { FoldsCard } from './FoldsCard';
import { IntervalsCard } from './IntervalsCard';
import { MonthlyTable } from './MonthlyTable';
import { OverfittingCard } from './OverfittingCard';
import { PrudexCard } from './PrudexCard';
import { RegimesCard } from './RegimesCard';
import { RigourCards } from './RigourCards';
import { SeedsCard } from './SeedsCard';
import { TearSheetTable } from './TearSheetTable';
import { VerdictCard } from './VerdictCard';

const COLOURS = ['curve-1', 'curve-2', 'curve-3', 'curve-4'] as const;

/** Shows an evaluation. */
export function EvaluationBody({ report }: { report: EvaluationReport }) {
  const text = useText();
  const words = text.evaluation;
  const curves = useMemo(
    () => (pick: 'equity' | 'drawdown'): Line[] =>
      report.policies.filter((policy) => policy[pick].length > 0).map((policy, index) => ({
        label: policyName(policy.name, text),
        colour: COLOURS[index % COLOURS.length] ?? 'curve-1',
        values: pick === 'drawdown' ? policy.drawdown.map((value) => -value) : policy.equity,
        main: index === 0,
      })),
    [report, text],
  );
  const equity = useMemo(() => curves('equity'), [curves]);
  const drawdown = useMemo(() => curves('drawdown'), [curves]);
  const agent = report.policies[0];
  const parts: Record<string, string> = words.parts;
  return (
    <div className="report">
      {report.remarks.length > 0 && (
        <div className="note note-warn">
          <strong>{text.report.remarks}</strong>
          <ul>{report.remarks.map((remark) => <li key={remark}><Rich words={remark} /></li>)}</ul>
        </div>
      )}
      <VerdictCard report={report} />
      <ChartCard
        title={text.report.equity}
        chart={<LinesChart label={text.report.equity} timesMs={report.times_ms} lines={equity} share={false} height={300} />}
        table={() => <CurvesTable caption={text.report.equity} timesMs={report.times_ms} lines={equity} share={false} />}
      />
      <div className="two-columns">
        {report.intervals && <IntervalsCard intervals={report.intervals} confidence={report.confidence} />}
        {report.costs && <CostsCard costs={report.costs} fixed={report.costs_fixed ?? null} />}
      </div>
      {report.prudex && <PrudexCard prudex={report.prudex} />}
      <RigourCards report={report} />
      {report.overfitting && <OverfittingCard overfitting={report.overfitting} />}
      {report.seeds && report.seeds.profile.length > 0 && <SeedsCard seeds={report.seeds} />}
      {report.folds && <FoldsCard folds={report.folds} />}
      {report.regimes && <RegimesCard regimes={report.regimes} />}
      {agent && (agent.sheet.periods['month'] ?? []).length > 0 && <Card title={words.months}><MonthlyTable sheet={agent.sheet} /></Card>}
      <ChartCard
        title={text.report.drawdown}
        chart={<LinesChart label={text.report.drawdown} timesMs={report.times_ms} lines={drawdown} share filled height={220} />}
        table={() => <CurvesTable caption={text.report.drawdown} timesMs={report.times_ms} lines={drawdown} share />}
      />
      {agent && agent.sheet.drawdowns.length > 0 && <Card title={words.drawdowns} className="card-flush-body"><DrawdownsTable rows={agent.sheet.drawdowns} /></Card>}
      <Card title={words.sheet}><TearSheetTable policies={report.policies} /></Card>
      {report.missing.length > 0 && (
        <Card title={words.missing}>
          <Facts facts={report.missing.map((each) => [parts[each.part] ?? each.part.replaceAll('_', ' '), <Rich words={each.reason} />])} />
        </Card>
      )}
      <Card title={text.report.reproduce}>
        <Facts
          facts={[
            [text.sessions.dataset, report.dataset],
            [text.session.snapshot, <code className="hash hash-long">{report.dataset_sha256}</code>],
            [text.session.model, report.model_sha256.length > 0 && <code className="hash hash-long">{report.model_sha256.join(' ')}</code>],
            [text.report.truth, text.report.truths[report.truth]],
            [text.report.periods, number(report.periods_per_year)],
            [text.session.build, report.build],
          ]}
        />
        <details><summary>{text.report.sessionRun}</summary><Json label={text.report.sessionRun} value={report.session} /></details>
      </Card>
    </div>
  );
}
