/** What is left at rising costs. */
import { useMemo } from 'react';

import type { EvaluationReport } from '../../api/types';
import { ladderOf } from '../../charts/evaluation';
import { LadderChart } from '../../charts/LadderChart';
import { ChartCard } from '../../components/ChartCard';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { number } from '../../state/format';
import { metricText } from '../../state/metrics';

/** Shows the ladder and where nothing is left. */
export function CostsCard({ costs }: { costs: NonNullable<EvaluationReport['costs']> }) {
  const text = useText();
  const words = text.evaluation;
  const ladder = useMemo(() => ladderOf(costs.rungs, costs.break_even), [costs]);
  const said = words.breakEven[costs.break_even.kind] ?? words.breakEven.undefined;
  return (
    <ChartCard
      title={words.costs}
      chart={
        <>
          <p className="hint">{words.costsHelp}</p>
          <LadderChart label={words.costs} ladder={ladder} />
          <p><strong>{typeof said === 'string' ? said : said(number(costs.break_even.multiplier ?? 0))}</strong></p>
        </>
      }
      table={() => (
        <DataTable
          dense
          caption={words.costs}
          rows={costs.rungs}
          rowKey={(row) => String(row.multiplier)}
          columns={[
            { key: 'multiplier', title: words.multiplier, head: true, figure: true, cell: (row) => number(row.multiplier) },
            { key: 'return', title: words.figures.total_return, figure: true, cell: (row) => metricText('total_return', row.total_return, text) },
          ]}
        />
      )}
    />
  );
}
