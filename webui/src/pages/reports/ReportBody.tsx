/** A report's parts in reading order: the verdict, the figures, the curves, the trades, how to repeat it. */
import { useMemo } from 'react';

import type { BacktestReport } from '../../api/types';
import { several } from '../../charts/candles';
import { LinesChart } from '../../charts/LinesChart';
import { TradesChart } from '../../charts/TradesChart';
import { Card } from '../../components/Card';
import { ChartCard } from '../../components/ChartCard';
import { Rich } from '../../components/Rich';
import { useText } from '../../i18n';
import { CurvesTable } from './CurvesTable';
import { ExecutionCard } from './ExecutionCard';
import { MetricsTable } from './MetricsTable';
import { policyName } from './policyName';
import { Reproduction } from './Reproduction';
import { TradesTable } from './TradesTable';
import { Verdict } from './Verdict';
import { WeightsCard } from './WeightsCard';

const COLOURS = ['curve-2', 'curve-3', 'curve-4', 'curve-5', 'curve-6'] as const;

/** Shows a report. */
export function ReportBody({ report }: { report: BacktestReport }) {
  const text = useText();
  const policies = useMemo(() => [report.agent, ...report.baselines], [report]);
  const lines = useMemo(
    () =>
      (pick: 'equity' | 'drawdown') =>
        policies.map((policy, index) => ({
          label: policyName(policy.name, text),
          colour: index === 0 ? 'curve-1' : (COLOURS[(index - 1) % COLOURS.length] ?? 'curve-2'),
          values: pick === 'drawdown' ? policy.drawdown.map((value) => -value) : policy.equity,
          main: index === 0,
        })),
    [policies, text],
  );
  const equity = useMemo(() => lines('equity'), [lines]);
  const drawdown = useMemo(() => lines('drawdown'), [lines]);
  const priceTitle = text.report.priceNames[report.price_name as keyof typeof text.report.priceNames] ?? text.report.priceTrades;
  const buys = report.agent.trades.filter((trade) => trade.side === 'buy').length;
  return (
    <div className="report">
      {report.remarks.length > 0 && (
        <div className="note note-warn">
          <strong>{text.report.remarks}</strong>
          <ul>{report.remarks.map((remark) => <li key={remark}><Rich words={remark} /></li>)}</ul>
        </div>
      )}
      <Verdict report={report} />
      <ExecutionCard policies={policies} />
      <ChartCard
        title={text.report.equity}
        chart={<LinesChart label={text.report.equity} timesMs={report.times_ms} lines={equity} share={false} height={300} />}
        table={() => <CurvesTable caption={text.report.equity} timesMs={report.times_ms} lines={equity} share={false} />}
      />
      <div className={policies.length > 4 ? 'report' : 'report-columns'}>
        <Card title={text.report.metrics} className="card-flush-body"><MetricsTable report={report} /></Card>
        <ChartCard
          title={text.report.drawdown}
          chart={<LinesChart label={text.report.drawdown} timesMs={report.times_ms} lines={drawdown} share filled height={280} />}
          table={() => <CurvesTable caption={text.report.drawdown} timesMs={report.times_ms} lines={drawdown} share />}
        />
      </div>
      <WeightsCard timesMs={report.times_ms} policies={policies} />
      <ChartCard
        title={priceTitle}
        note={<span className="hint num">{report.agent.trades.length === 0 ? text.report.noTrades : `${text.report.tradeCount(buys, report.agent.trades.length - buys)}${several(report.agent.trades) ? ` · ${text.report.tradedBars}` : ''}`}</span>}
        chart={<TradesChart label={priceTitle} timesMs={report.times_ms} values={report.prices} trades={report.agent.trades} />}
        table={() => <TradesTable trades={report.agent.trades} />}
      />
      <Reproduction report={report} />
    </div>
  );
}
