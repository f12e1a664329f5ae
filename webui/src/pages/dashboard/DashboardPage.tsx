/** The platform at a glance: sessions by state, capacity, what happened last, what to do next. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { listDatasets } from '../../api/datasets';
import { keys } from '../../api/queries';
import { listStrategies } from '../../api/strategies';
import { Age } from '../../components/Age';
import { Card } from '../../components/Card';
import { LinkButton } from '../../components/LinkButton';
import { Loading } from '../../components/Loading';
import { ErrorNote } from '../../components/ErrorNote';
import { Page } from '../../components/Page';
import { useText } from '../../i18n';
import { SessionTable } from '../sessions/SessionTable';
import { useSessions } from '../sessions/useSessions';
import { Capacity } from './Capacity';
import { DatasetList } from './DatasetList';
import { QuickStart } from './QuickStart';
import { StateTiles } from './StateTiles';

const RECENT = 8;
const EVERYTHING = {};

/** The dashboard. */
export default function DashboardPage() {
  const text = useText();
  const { query, rows, changedAt } = useSessions(EVERYTHING);
  const datasets = useQuery({ queryKey: [...keys.datasets, 'list'], queryFn: () => listDatasets() });
  const strategies = useQuery({ queryKey: [...keys.strategies, 'list'], queryFn: () => listStrategies() });
  const known = query.data !== undefined;
  return (
    <Page title={text.dashboard.title} actions={<LinkButton primary to="/sessions/new">{text.sessions.start}</LinkButton>} aside={changedAt > 0 && <Age live at={changedAt} />}>
      {query.error && <ErrorNote error={query.error} onRetry={() => void query.refetch()} />}
      <StateTiles sessions={rows} />
      <div className="dashboard">
        <div className="dashboard-main">
          <Card title={text.dashboard.recent} aside={<Link to="/sessions">{text.common.all}</Link>} className="card-flush-body">
            {!known && !query.error && <Loading lines={6} />}
            {known && rows.length === 0 && <p className="hint card-pad">{text.dashboard.noSessions}</p>}
            {rows.length > 0 && <SessionTable brief sessions={rows.slice(0, RECENT)} />}
          </Card>
          <QuickStart datasets={datasets.data?.items ?? []} strategies={strategies.data?.items ?? []} sessions={rows} />
        </div>
        <div className="dashboard-side">
          <Capacity />
          <DatasetList query={datasets} />
        </div>
      </div>
    </Page>
  );
}
