/** The policy on six axes, and the sixteen measures behind them. */
import type { PrudexStudy } from '../../api/types';
import { HexagonChart } from '../../charts/HexagonChart';
import { Card } from '../../components/Card';
import { ChartCard } from '../../components/ChartCard';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { number } from '../../state/format';
import { AXES, measureRows } from './prudex';

/** Shows the hexagon and the table of measures. */
export function PrudexCard({ prudex }: { prudex: PrudexStudy }) {
  const text = useText();
  const words = text.evaluation.prudex;
  const orNot = (value: number | null | undefined, places: number) => (value === null || value === undefined ? text.common.notDefined : number(value, places));
  const axes = AXES.map((name) => ({ name: words.axes[name], score: prudex.axes[name] ?? null, words: orNot(prudex.axes[name], 3) }));
  return (
    <div className="two-columns">
      <ChartCard
        title={words.title}
        chart={<><p className="hint">{words.help}</p><HexagonChart label={words.title} axes={axes} /></>}
        table={() => (
          <DataTable
            dense
            caption={words.title}
            rows={axes}
            rowKey={(row) => row.name}
            columns={[
              { key: 'axis', title: words.axis, head: true, cell: (row) => row.name },
              { key: 'score', title: words.score, figure: true, cell: (row) => row.words },
            ]}
          />
        )}
      />
      <Card title={words.measuresTitle} className="card-flush-body">
        <div className="table-scroll" tabIndex={0} role="region" aria-label={words.measuresTitle}>
          <DataTable
            dense
            caption={words.measuresTitle}
            rows={measureRows(prudex.measures)}
            rowKey={(row) => row.measure}
            columns={[
              { key: 'axis', title: words.axis, wide: true, tight: true, cell: (row) => words.axes[row.axis] },
              {
                key: 'measure',
                title: words.measure,
                head: true,
                cell: (row) => (
                  <>
                    {words.measures[row.measure]}
                    {row.lacks ? <div className="hint">{words.lacks[row.lacks]}</div> : null}
                  </>
                ),
              },
              { key: 'raw', title: words.raw, figure: true, cell: (row) => orNot(row.raw, 4) },
              { key: 'score', title: words.score, figure: true, cell: (row) => orNot(row.score, 3) },
            ]}
          />
        </div>
        <p className="hint card-pad">{words.periods(prudex.period === 'day' ? words.day : words.bar, prudex.period_count)}</p>
      </Card>
    </div>
  );
}
