/** How an order was executed, policy beside policy. */
import type { ExecutionSummary, PolicyResult } from '../../api/types';
import { Card } from '../../components/Card';
import { type Column, DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { count, number, percent } from '../../state/format';
import { policyName } from './policyName';

const FIGURES = ['shortfall_bps', 'shortfall_deviation_bps', 'cost_bps', 'better_than_twap_bps', 'arrival_price', 'average_price', 'twap', 'vwap', 'tasks', 'amount', 'executed', 'left'] as const;

type Figure = (typeof FIGURES)[number];

/** Shows the figures with policies as columns; nothing where no policy executed an order. */
export function ExecutionCard({ policies }: { policies: PolicyResult[] }) {
  const text = useText();
  const words = text.report.execution;
  const done = policies.flatMap((policy) => (policy.execution ? [{ name: policy.name, execution: policy.execution }] : []));
  const first = done[0]?.execution;
  if (!first) return null;
  const sides: Record<string, string> = text.report.side;
  const written = (execution: ExecutionSummary, figure: Figure): string => {
    const value = execution[figure];
    if (value === null || value === undefined) return text.common.notDefined;
    if (figure === 'tasks') return count(value);
    const plain = number(value, 6);
    return figure === 'executed' && execution.amount > 0 ? `${plain} (${words.ofIt(percent(value / execution.amount, 1))})` : plain;
  };
  const rows = FIGURES.filter((figure) => done.some(({ execution }) => execution[figure] !== undefined));
  const columns: Column<Figure>[] = [
    { key: 'figure', title: text.report.metric, head: true, cell: (figure) => words[figure] },
    ...done.map(({ name, execution }) => ({ key: name, title: policyName(name, text), figure: true, cell: (figure: Figure) => written(execution, figure) })),
  ];
  return (
    <Card title={words.title} className="card-flush-body" aside={<span className="tag">{sides[first.side] ?? first.side}</span>}>
      <p className="hint card-pad">{words.help}</p>
      <DataTable dense caption={words.title} columns={columns} rows={[...rows]} rowKey={(figure) => figure} />
    </Card>
  );
}
