/** The deepest falls from a peak, deepest first. */
import type { DrawdownRow } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { count, moment, percent } from '../../state/format';

/** Shows when each began, how deep it went and when it was made good. */
export function DrawdownsTable({ rows }: { rows: DrawdownRow[] }) {
  const text = useText();
  const words = text.evaluation;
  return (
    <DataTable
      dense
      caption={words.drawdowns}
      rows={rows}
      rowKey={(row) => String(row.start_ms)}
      columns={[
        { key: 'depth', title: words.depth, head: true, figure: true, cell: (row) => `−${percent(row.depth)}` },
        { key: 'peak', title: words.peak, cell: (row) => moment(row.start_ms) },
        { key: 'valley', title: words.valley, cell: (row) => moment(row.valley_ms) },
        { key: 'recovery', title: words.recovery, cell: (row) => (row.recovery_ms === null ? words.notRecovered : moment(row.recovery_ms)) },
        { key: 'fall', title: words.fallBars, figure: true, cell: (row) => count(row.fall_bars) },
        { key: 'rise', title: words.recoveryBars, figure: true, cell: (row) => (row.recovery_bars === null ? '—' : count(row.recovery_bars)) },
      ]}
    />
  );
}
