/** Sessions that use a data set, and data sets that were made from it. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { readConsumers } from '../../api/datasets';
import { keys } from '../../api/queries';
import { Age } from '../../components/Age';
import { Card } from '../../components/Card';
import { DataTable } from '../../components/DataTable';
import { Part } from '../../components/Part';
import { StatusBadge } from '../../components/StatusBadge';
import { useText } from '../../i18n';

/** Shows who would miss it. */
export function ConsumersTab({ id }: { id: string }) {
  const text = useText();
  const { consumers } = text.datasets;
  const query = useQuery({ queryKey: keys.datasetPart(id, 'consumers'), queryFn: () => readConsumers(id) });
  return (
    <Part query={query} lines={5}>
      {(data) => (
        <>
          <Card title={consumers.sessions} className={data.sessions.length > 0 ? 'card-flush-body' : ''} aside={data.session_count > data.sessions.length && <span className="hint num">{text.common.showing(data.sessions.length, data.session_count)}</span>}>
            {data.sessions.length === 0 ? (
              <p className="hint">{consumers.none}</p>
            ) : (
              <DataTable
                caption={consumers.sessions}
                rows={data.sessions}
                rowKey={(row) => row.id}
                columns={[
                  { key: 'name', title: text.common.name, head: true, cell: (row) => <Link to={`/sessions/${row.id}`}>{row.name}</Link> },
                  { key: 'kind', title: text.sessions.kind, cell: (row) => text.sessions.kinds[row.kind] ?? row.kind },
                  { key: 'state', title: text.common.state, cell: (row) => <StatusBadge state={row.state} /> },
                  { key: 'created', title: text.common.created, cell: (row) => <Age at={row.created_at} /> },
                ]}
              />
            )}
          </Card>
          {data.made_of && data.made_of.length > 0 && (
            <Card title={consumers.madeOf}><ul className="brief-list">{data.made_of.map((each) => <li key={each.id}><Link to={`/data/${each.id}`}>{each.name}</Link></li>)}</ul></Card>
          )}
          <Card title={consumers.datasets}>
            {data.datasets.length === 0 ? <p className="hint">{consumers.noneMade}</p> : <ul className="brief-list">{data.datasets.map((each) => <li key={each.id}><Link to={`/data/${each.id}`}>{each.name}</Link></li>)}</ul>}
          </Card>
        </>
      )}
    </Part>
  );
}
