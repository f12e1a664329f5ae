/** The end of a curve as figures. */
import { DataTable } from '../../../components/DataTable';
import { useText } from '../../../i18n';
import type { SeriesSet } from '../../../live/series';
import { count } from '../../../state/format';
import { metricName, metricText } from '../../../state/metrics';

const ROWS = 100;

interface Row {
  step: number;
  value: number;
}

/** Shows the last hundred points. */
export function CurveTable({ set, name }: { set: SeriesSet; name: string }) {
  const text = useText();
  const curve = set.curves.get(name);
  const rows: Row[] = [];
  if (curve) {
    for (let index = Math.max(0, curve.length - ROWS); index < curve.length; index += 1) {
      rows.push({ step: curve.x[index] ?? 0, value: curve.last[index] ?? Number.NaN });
    }
  }
  return (
    <>
      <p className="hint">{text.session.lastRows(rows.length)}</p>
      <DataTable
        dense
        caption={metricName(name, text)}
        rows={rows.reverse()}
        rowKey={(row) => String(row.step)}
        columns={[
          { key: 'step', title: text.session.step, figure: true, head: true, cell: (row) => count(row.step) },
          { key: 'value', title: metricName(name, text), figure: true, cell: (row) => metricText(name, row.value, text) },
        ]}
      />
    </>
  );
}
