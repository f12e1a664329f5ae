/** The policy on each stretch by itself. */
import { useMemo } from 'react';

import type { EvaluationReport } from '../../api/types';
import { foldLines } from '../../charts/evaluation';
import { LinesChart } from '../../charts/LinesChart';
import { Card } from '../../components/Card';
import { ChartCard } from '../../components/ChartCard';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { moment, number } from '../../state/format';
import { metricText } from '../../state/metrics';
import { CurvesTable } from '../reports/CurvesTable';
import { foldName } from './foldName';

/** Shows the curves, the figures and the spread of the paths. */
export function FoldsCard({ folds }: { folds: NonNullable<EvaluationReport['folds']> }) {
  const text = useText();
  const words = text.evaluation;
  const { timesMs, lines } = useMemo(() => foldLines(folds.items, (fold) => foldName(fold.name, text)), [folds, text]);
  const ratios = folds.paths.flatMap((path) => (path.sharpe === null ? [] : [path.sharpe]));
  return (
    <>
      <ChartCard
        title={words.folds}
        note={ratios.length > 0 && <span className="hint num">{words.paths(folds.paths.length, number(Math.min(...ratios), 3), number(Math.max(...ratios), 3))}</span>}
        chart={<><p className="hint">{words.foldsHelp}</p><LinesChart label={words.folds} timesMs={timesMs} lines={lines} share={false} height={280} /></>}
        table={() => <CurvesTable caption={words.folds} timesMs={timesMs} lines={lines} share={false} />}
      />
      <Card title={words.foldFigures} className="card-flush-body">
        <DataTable
          dense
          caption={words.foldFigures}
          rows={folds.items}
          rowKey={(row) => row.name}
          columns={[
            { key: 'name', title: words.fold, head: true, cell: (row) => foldName(row.name, text) },
            { key: 'from', title: text.labelling.from, cell: (row) => moment(row.from_ms) },
            { key: 'to', title: text.labelling.to, cell: (row) => moment(row.to_ms) },
            { key: 'return', title: words.figures.total_return, figure: true, cell: (row) => metricText('total_return', row.total_return, text) },
            { key: 'sharpe', title: words.figures.sharpe, figure: true, cell: (row) => metricText('sharpe', row.sharpe, text) },
            { key: 'drawdown', title: words.figures.max_drawdown, figure: true, cell: (row) => metricText('max_drawdown', row.max_drawdown, text) },
          ]}
        />
      </Card>
    </>
  );
}
