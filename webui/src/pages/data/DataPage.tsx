/** All data sets. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { listDatasets } from '../../api/datasets';
import { keys } from '../../api/queries';
import type { DatasetView } from '../../api/types';
import { Age } from '../../components/Age';
import { CommandHint } from '../../components/CommandHint';
import { type Column, DataTable } from '../../components/DataTable';
import { EmptyNote } from '../../components/EmptyNote';
import { LinkButton } from '../../components/LinkButton';
import { Page } from '../../components/Page';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { useTopic } from '../../live/useTopic';
import { bytes, count, day, interval } from '../../state/format';
import { instrumentText, kindName } from './quality';

/** The data catalogue. */
export default function DataPage() {
  const text = useText();
  const live = useTopic<DatasetView>('datasets');
  const query = useQuery({ queryKey: [...keys.datasets, 'list', live.changedAt], queryFn: () => listDatasets(), placeholderData: (before) => before });
  const columns: Column<DatasetView>[] = [
    {
      key: 'name', title: text.common.name, head: true,
      cell: (row) => (
        <>
          <Link to={`/data/${row.id}`}>{row.name}</Link>
          {row.synthetic && <span className="tag tag-warn">{text.data.synthetic}</span>}
          {row.looks_ahead && <span className="tag tag-warn">{text.datasets.looksAhead}</span>}
        </>
      ),
    },
    { key: 'kind', title: text.datasets.kind, tight: true, cell: (row) => kindName(row.kind, text) },
    { key: 'instrument', title: text.data.instrument, cell: (row) => instrumentText(row, text) },
    { key: 'interval', title: text.data.interval, cell: (row) => (row.interval_seconds > 0 ? interval(row.interval_seconds) : '—') },
    { key: 'rows', title: text.datasets.rows, figure: true, cell: (row) => count(row.rows) },
    { key: 'span', title: text.data.span, tight: true, cell: (row) => <span className="num">{day(row.from)} – {day(row.to)}</span> },
    { key: 'size', title: text.data.size, figure: true, wide: true, cell: (row) => bytes(row.size_bytes) },
    { key: 'warnings', title: text.data.warningTitle, cell: (row) => (row.warnings.length > 0 ? <span className="tag tag-warn">{text.data.warnings(row.warnings.length)}</span> : '—') },
    { key: 'created', title: text.common.created, cell: (row) => <Age at={row.created_at} /> },
  ];
  const add = <LinkButton primary to="/data/import">{text.data.import}</LinkButton>;
  return (
    <Page title={text.data.title} actions={add}>
      <Part query={query} lines={8} isEmpty={(page) => page.items.length === 0} empty={<EmptyNote title={text.data.empty} help={text.data.emptyHelp} action={add} />}>
        {(page) => <div className="card card-flush"><DataTable caption={text.data.title} columns={columns} rows={page.items} rowKey={(row) => row.id} /></div>}
      </Part>
      <CommandHint command="tm data ls" />
    </Page>
  );
}
