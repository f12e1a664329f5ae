/** The links between nodes: round trips as a matrix, everything else as a table. */
import type { NodeView } from '../../api/types';
import { ChartCard } from '../../components/ChartCard';
import { DataTable } from '../../components/DataTable';
import { Loading } from '../../components/Loading';
import { useText } from '../../i18n';
import { bytes, count, number, roughly } from '../../state/format';
import { LinkMatrix } from './LinkMatrix';
import { LinkState } from './LinkState';
import { type LinkRow, linkRows, type Told } from './links';
import { useLinks } from './useLinks';

/** Shows the links of all nodes that are up. */
export function LinksCard({ nodes }: { nodes: NodeView[] }) {
  const text = useText();
  const { told, loading, silent } = useLinks(nodes);
  const rows = linkRows(told);
  const body = (shown: React.ReactNode) => (
    <>
      {silent.map((node) => <p key={node} className="note note-warn">{text.cluster.noAnswerFrom(node)}</p>)}
      {loading && <Loading lines={4} />}
      {!loading && rows.length === 0 && <p className="hint">{text.cluster.noLinks}</p>}
      {rows.length > 0 && shown}
    </>
  );
  return <ChartCard title={text.cluster.links} chart={body(<LinkMatrix told={told} />)} table={() => body(<LinkTable rows={rows} told={told} />)} />;
}

function LinkTable({ rows }: { rows: LinkRow[]; told: Told }) {
  const text = useText();
  const words = text.cluster;
  return (
    <DataTable
      dense
      caption={words.links}
      rows={rows}
      rowKey={(row) => `${row.from} ${row.link.peer}`}
      columns={[
        { key: 'ends', title: `${words.from} → ${words.to}`, head: true, cell: (row) => `${row.from} → ${row.link.peer}` },
        {
          key: 'state', title: text.common.state,
          cell: (row) => (
            <>
              <LinkState state={row.link.state} />
              {row.link.reason && row.link.state !== 'ready' && <p className="row-reason">{row.link.reason}</p>}
            </>
          ),
        },
        { key: 'rtt', title: words.roundTrip, figure: true, cell: (row) => (row.link.rtt_ms === null ? words.unmeasured : words.ms(number(row.link.rtt_ms, 3))) },
        { key: 'since', title: words.since, figure: true, cell: (row) => roughly(row.link.since_ms / 1000, text) },
        { key: 'redials', title: words.redials, figure: true, cell: (row) => count(row.link.redials) },
        { key: 'in', title: words.received, figure: true, cell: (row) => bytes(row.link.bytes_in) },
        { key: 'out', title: words.sent, figure: true, cell: (row) => bytes(row.link.bytes_out) },
        { key: 'way', title: words.underWay, figure: true, cell: (row) => count(row.link.messages_under_way) },
        { key: 'drops', title: words.drops, figure: true, cell: (row) => count(row.link.drops) },
      ]}
    />
  );
}
