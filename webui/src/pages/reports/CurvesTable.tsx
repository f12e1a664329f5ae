/** Curves as figures, evenly thinned so that they can be read. */
import type { Line } from '../../charts/LinesChart';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { moment, number, percent } from '../../state/format';

const ROWS = 100;

interface CurvesTableProps {
  caption: string;
  timesMs: number[];
  lines: Line[];
  share: boolean;
}

/** Shows every n-th point and always the last. */
export function CurvesTable({ caption, timesMs, lines, share }: CurvesTableProps) {
  const text = useText();
  const stride = Math.max(1, Math.ceil(timesMs.length / ROWS));
  const rows = timesMs.map((_, index) => index).filter((index) => index % stride === 0 || index === timesMs.length - 1);
  const write = (value: number | null | undefined): string => (value === undefined || value === null ? '' : share ? percent(value) : number(value, 6));
  return (
    <>
      <p className="hint">{text.common.showing(rows.length, timesMs.length)}</p>
      <DataTable
        dense
        caption={caption}
        rows={rows}
        rowKey={(row) => String(row)}
        columns={[
          { key: 'time', title: text.report.time, head: true, cell: (row: number) => moment(timesMs[row] ?? 0) },
          ...lines.map((line) => ({ key: line.label, title: line.label, figure: true, cell: (row: number) => write(line.values[row]) })),
        ]}
      />
    </>
  );
}
