/** Every metric of every policy; what is not defined says so. */
import type { BacktestReport, PolicyResult } from '../../api/types';
import { type Column, DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { number } from '../../state/format';
import { metricName, metricText, SMALLER_IS_BETTER } from '../../state/metrics';
import { knowsFuture, policyName } from './policyName';

interface Row {
  key: string;
  title: string;
  cells: string[];
  best: number | null;
}

const ORDER = ['total_return', 'sharpe', 'sortino', 'calmar', 'max_drawdown', 'volatility', 'win_rate', 'turnover'];

/** Which policy has the best defined value, where there is more than one. */
function bestOf(values: (number | null)[], smaller: boolean): number | null {
  let best: number | null = null;
  values.forEach((value, index) => {
    if (value === null) return;
    const leader = best === null ? null : (values[best] ?? null);
    if (leader === null || (smaller ? value < leader : value > leader)) best = index;
  });
  return best;
}

/** Shows the metrics with policies as columns. */
export function MetricsTable({ report }: { report: BacktestReport }) {
  const text = useText();
  const policies: PolicyResult[] = [report.agent, ...report.baselines];
  const names = [...new Set(policies.flatMap((policy) => Object.keys(policy.metrics)))];
  const ordered = [...ORDER.filter((name) => names.includes(name)), ...names.filter((name) => !ORDER.includes(name)).sort()];
  const rows: Row[] = ordered.map((name) => {
    const values = policies.map((policy) => policy.metrics[name] ?? null);
    return { key: name, title: metricName(name, text), cells: values.map((value) => metricText(name, value, text)), best: name === 'turnover' ? null : bestOf(values.map((value, index) => (policies[index]?.name === 'do_nothing' || knowsFuture(policies[index]?.name ?? '') ? null : value)), SMALLER_IS_BETTER.has(name)) };
  });
  rows.push({ key: 'costs', title: text.report.costs, cells: policies.map((policy) => number(policy.costs)), best: null });
  rows.push({ key: 'refusals', title: text.report.refusals, cells: policies.map((policy) => String(policy.refusal_count)), best: null });
  const columns: Column<Row>[] = [
    { key: 'metric', title: text.report.metric, head: true, cell: (row) => row.title },
    ...policies.map((policy, index) => ({
      key: policy.name,
      title: policyName(policy.name, text),
      figure: true,
      cell: (row: Row) => <span className={row.best === index ? 'best' : row.cells[index] === text.common.notDefined ? 'hint' : ''}>{row.cells[index]}</span>,
    })),
  ];
  return <DataTable dense caption={text.report.metrics} columns={columns} rows={rows} rowKey={(row) => row.key} />;
}
