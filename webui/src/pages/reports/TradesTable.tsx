/** Every fill of the agent. */
import { Button } from 'antd';
import { useState } from 'react';

import type { Trade } from '../../api/types';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { moment, number } from '../../state/format';

const PAGE = 200;

/** Shows the trades, more on request. */
export function TradesTable({ trades }: { trades: Trade[] }) {
  const text = useText();
  const [shown, setShown] = useState(PAGE);
  if (trades.length === 0) return <p className="hint">{text.report.noTrades}</p>;
  const several = trades.some((trade) => trade.instrument);
  const sides: Record<string, string> = text.report.side;
  return (
    <>
      <p className="hint">{text.common.showing(Math.min(shown, trades.length), trades.length)}</p>
      <DataTable
        dense
        caption={text.report.trades}
        rows={trades.slice(0, shown).map((trade, index) => ({ trade, index }))}
        rowKey={(row) => String(row.index)}
        columns={[
          { key: 'time', title: text.report.time, head: true, cell: ({ trade }) => moment(trade.time_ms) },
          ...(several ? [{ key: 'instrument', title: text.report.instrument, cell: ({ trade }: { trade: Trade }) => trade.instrument ?? '' }] : []),
          { key: 'side', title: text.report.trades, cell: ({ trade }) => <span className={trade.side === 'buy' ? 'up' : 'down'}>{trade.side === 'buy' ? '▲' : '▼'} {sides[trade.side] ?? trade.side}</span> },
          { key: 'quantity', title: text.report.quantity, figure: true, cell: ({ trade }) => number(trade.quantity, 6) },
          { key: 'price', title: text.report.price, figure: true, cell: ({ trade }) => number(trade.price, 6) },
          { key: 'fee', title: text.report.fee, figure: true, cell: ({ trade }) => number(trade.fee) },
          { key: 'position', title: text.report.position, figure: true, cell: ({ trade }) => number(trade.position, 6) },
        ]}
      />
      {shown < trades.length && <Button onClick={() => setShown(shown + PAGE)}>{text.common.more}</Button>}
    </>
  );
}
