/** The newest candles as figures. */
import type { BarsView } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { moment, number } from '../../state/format';

const ROWS = 100;

/** Shows the last hundred candles, newest first. */
export function BarsTable({ bars }: { bars: BarsView }) {
  const text = useText();
  const all = bars.times_ms.length;
  const rows = Array.from({ length: Math.min(ROWS, all) }, (_, index) => all - 1 - index);
  const figure = (key: string, title: string, values: number[]) => ({ key, title, figure: true, cell: (row: number) => number(values[row] ?? 0, 6) });
  return (
    <>
      <p className="hint">{text.common.showing(rows.length, all)}</p>
      <DataTable
        dense
        caption={text.data.prices}
        rows={rows}
        rowKey={(row) => String(row)}
        columns={[
          { key: 'time', title: text.report.time, head: true, cell: (row: number) => moment(bars.times_ms[row] ?? 0) },
          figure('open', text.data.open, bars.open),
          figure('high', text.data.high, bars.high),
          figure('low', text.data.low, bars.low),
          figure('close', text.data.close, bars.close),
          ...(bars.volume ? [figure('volume', text.data.volume, bars.volume)] : []),
        ]}
      />
    </>
  );
}
