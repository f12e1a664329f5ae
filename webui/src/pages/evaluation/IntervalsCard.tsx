/** How far the figures could be off. */
import type { EvaluationReport } from '../../api/types';
import { type IntervalRow, IntervalsChart } from '../../charts/IntervalsChart';
import { ChartCard } from '../../components/ChartCard';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { percent } from '../../state/format';
import { FIGURES, figureName, figureText } from './figures';

interface IntervalsCardProps {
  intervals: NonNullable<EvaluationReport['intervals']>;
  confidence: number;
}

/** Shows the intervals as lines or as a table. */
export function IntervalsCard({ intervals, confidence }: IntervalsCardProps) {
  const text = useText();
  const words = text.evaluation;
  const rows: IntervalRow[] = intervals.map((each) => {
    const figure = FIGURES.find((known) => known.name === each.name) ?? { name: each.name, group: 'ratio' as const, unit: 'none' as const };
    const write = (value: number | null) => figureText(figure, value, text);
    return { name: figureName(each.name, text), value: each.value, low: each.low, high: each.high, words: { value: write(each.value), low: write(each.low), high: write(each.high) } };
  });
  return (
    <ChartCard
      title={words.intervals}
      chart={<><p className="hint">{words.intervalsHelp(percent(confidence, 0))}</p><IntervalsChart rows={rows} /></>}
      table={() => (
        <DataTable
          dense
          caption={words.intervals}
          rows={rows}
          rowKey={(row) => row.name}
          columns={[
            { key: 'name', title: words.figure, head: true, cell: (row) => row.name },
            { key: 'low', title: words.low, figure: true, cell: (row) => row.words.low },
            { key: 'value', title: words.value, figure: true, cell: (row) => row.words.value },
            { key: 'high', title: words.high, figure: true, cell: (row) => row.words.high },
          ]}
        />
      )}
    />
  );
}
