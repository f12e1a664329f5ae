/** Where choosing the best trial leads: the logits of all splits, and the chosen trial in and out of sample. */
import { useMemo } from 'react';

import type { Overfitting } from '../../api/types';
import { DegradationChart, HistogramChart } from '../../charts/OverfittingCharts';
import { histogram } from '../../charts/scatter';
import { ChartCard } from '../../components/ChartCard';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { count, number } from '../../state/format';

const BINS = 24;

/** Shows both drawings, each with its table. */
export function OverfittingCard({ overfitting }: { overfitting: Overfitting }) {
  const text = useText();
  const words = text.evaluation;
  const bins = useMemo(() => histogram(overfitting.logits, BINS), [overfitting]);
  const chosen = overfitting.chosen ?? [];
  return (
    <div className="two-columns">
      <ChartCard
        title={words.logits}
        chart={<><p className="hint">{words.logitsHelp}</p><HistogramChart label={words.logits} bins={bins} /></>}
        table={() => (
          <DataTable
            dense
            caption={words.logits}
            rows={bins}
            rowKey={(row) => String(row.from)}
            columns={[
              { key: 'range', title: words.logit, head: true, figure: true, cell: (row) => `${number(row.from)} … ${number(row.to)}` },
              { key: 'count', title: words.splits, figure: true, cell: (row) => count(row.count) },
            ]}
          />
        )}
      />
      {chosen.length > 0 && (
        <ChartCard
          title={words.degradation}
          chart={<><p className="hint">{words.degradationHelp}</p><DegradationChart label={words.degradation} points={chosen} /></>}
          table={() => (
            <DataTable
              dense
              caption={words.degradation}
              rows={chosen.map((each, split) => ({ ...each, split }))}
              rowKey={(row) => String(row.split)}
              columns={[
                { key: 'split', title: words.split, head: true, figure: true, cell: (row) => count(row.split + 1) },
                { key: 'inside', title: words.inside, figure: true, cell: (row) => number(row.inside, 4) },
                { key: 'outside', title: words.outside, figure: true, cell: (row) => number(row.outside, 4) },
              ]}
            />
          )}
        />
      )}
    </div>
  );
}
