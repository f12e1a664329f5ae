/** What is left at rising costs. */
import { useMemo } from 'react';

import type { BreakEven, CostLadder } from '../../api/types';
import { ladderOf, ladderPair } from '../../charts/evaluation';
import { LadderChart } from '../../charts/LadderChart';
import { ChartCard } from '../../components/ChartCard';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { number } from '../../state/format';
import { metricText } from '../../state/metrics';

interface CostsCardProps {
  /** Decisions are made anew at each multiple. */
  costs: CostLadder;
  /** The decisions of the run are carried out again. */
  fixed: CostLadder | null;
}

/** Shows the ladders and where nothing is left. */
export function CostsCard({ costs, fixed }: CostsCardProps) {
  const text = useText();
  const words = text.evaluation;
  const ladder = useMemo(() => ladderPair(ladderOf(costs.rungs, costs.break_even), fixed ? ladderOf(fixed.rungs, fixed.break_even) : null), [costs, fixed]);
  const said = (even: BreakEven): string => {
    const known = words.breakEven[even.kind] ?? words.breakEven.undefined;
    return typeof known === 'string' ? known : known(number('multiplier' in even ? even.multiplier : 0));
  };
  const other = (multiplier: number) => fixed?.rungs.find((rung) => rung.multiplier === multiplier)?.total_return;
  return (
    <ChartCard
      title={words.costs}
      chart={
        <>
          <p className="hint">{words.costsHelp}</p>
          <LadderChart label={words.costs} ladder={ladder} />
          <p><span className="curve-key curve-key-1" aria-hidden="true" /> {words.anew}: <strong>{said(costs.break_even)}</strong></p>
          {fixed && <p><span className="curve-key curve-key-2" aria-hidden="true" /> {words.fixed}: <strong>{said(fixed.break_even)}</strong></p>}
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
            { key: 'return', title: fixed ? words.anew : words.figures.total_return, figure: true, cell: (row) => metricText('total_return', row.total_return, text) },
            ...(fixed ? [{ key: 'fixed', title: words.fixed, figure: true, cell: (row: CostLadder['rungs'][number]) => metricText('total_return', other(row.multiplier), text) }] : []),
          ]}
        />
      )}
    />
  );
}
