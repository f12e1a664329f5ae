/** What was earned in each regime, beside buying and holding. */
import type { EvaluationReport, LabelPerformance } from '../../api/types';
import { regimeName } from '../../charts/regimes';
import { Card } from '../../components/Card';
import { type Column, DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { count } from '../../state/format';
import { metricText } from '../../state/metrics';
import { RegimeSwatch } from '../labels/RegimeLegend';
import { figureName } from './figures';

const METRICS = ['total_return', 'sharpe', 'sortino', 'volatility', 'max_drawdown'] as const;

/** Shows one row per label. */
export function RegimesCard({ regimes }: { regimes: NonNullable<EvaluationReport['regimes']> }) {
  const text = useText();
  const words = text.evaluation;
  const other = (row: LabelPerformance) => regimes.benchmark?.find((each) => each.label === row.label)?.total_return;
  const columns: Column<LabelPerformance>[] = [
    {
      key: 'label', title: words.regime, head: true,
      cell: (row) => <span className="regime-cell"><RegimeSwatch label={row.label} count={regimes.label_count} />{text.labelling.labelOf(row.label, regimeName(row.label, regimes.label_count, text))}</span>,
    },
    { key: 'bars', title: words.bars, figure: true, cell: (row) => count(row.bar_count) },
    { key: 'runs', title: words.runs, figure: true, cell: (row) => count(row.run_count) },
    ...METRICS.map((name) => ({ key: name, title: figureName(name, text), figure: true, cell: (row: LabelPerformance) => metricText(name, row[name], text) })),
    ...(regimes.benchmark ? [{ key: 'benchmark', title: words.ofBenchmark, figure: true, cell: (row: LabelPerformance) => metricText('total_return', other(row), text) }] : []),
  ];
  return (
    <Card title={words.regimes} className="card-flush-body">
      <p className="hint card-pad">{words.regimesHelp}</p>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={words.regimes}>
        <DataTable dense caption={words.regimes} columns={columns} rows={regimes.rows} rowKey={(row) => String(row.label)} />
      </div>
    </Card>
  );
}
