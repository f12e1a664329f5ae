/** Rows of sessions: what, state, why, how far, newest figure. */
import { Link } from 'react-router';

import type { SessionView } from '../../api/types';
import { Age } from '../../components/Age';
import { type Column, DataTable } from '../../components/DataTable';
import { Progress } from '../../components/Progress';
import { StatusBadge } from '../../components/StatusBadge';
import type { Dictionary } from '../../i18n/en';
import { useText } from '../../i18n';
import { useReasons } from './useReasons';
import { metricName, metricText } from '../../state/metrics';

const PREFERRED = ['total_return', 'valid_total_return', 'valid_sharpe', 'episode_return', 'loss'];

/** The figure that says most about a session right now. */
function headline(session: SessionView, text: Dictionary): string {
  const name = PREFERRED.find((each) => session.last_metrics[each] !== undefined);
  return name ? `${metricName(name, text)} ${metricText(name, session.last_metrics[name], text)}` : '';
}

function columns(text: Dictionary, brief: boolean, reasonOf: (session: SessionView) => string): Column<SessionView>[] {
  const all: Column<SessionView>[] = [
    { key: 'name', title: text.common.name, head: true, cell: (row) => <Link to={`/sessions/${row.id}`}>{row.name}</Link> },
    { key: 'kind', title: text.sessions.kind, tight: true, cell: (row) => text.sessions.kinds[row.kind] ?? row.kind },
    {
      key: 'state',
      title: text.common.state,
      cell: (row) => (
        <>
          <StatusBadge state={row.state} />
          {['pending', 'recovering', 'failed'].includes(row.state) && row.reason && <p className="row-reason">{reasonOf(row)}</p>}
        </>
      ),
    },
    { key: 'progress', title: text.sessions.progress, cell: (row) => <Progress session={row} /> },
    { key: 'metric', title: text.sessions.lastMetric, wide: brief, cell: (row) => <span className="num">{headline(row, text)}</span> },
    { key: 'strategy', title: text.sessions.strategy, wide: true, cell: (row) => (row.strategy_id === null ? '—' : <>{row.strategy_name} <span className="hint">v{row.strategy_version}</span></>) },
    { key: 'dataset', title: text.sessions.dataset, wide: true, cell: (row) => row.dataset_name },
    { key: 'created', title: text.common.created, cell: (row) => <Age at={row.created_at} /> },
  ];
  return brief ? all.filter((column) => !['strategy', 'dataset'].includes(column.key)) : all;
}

/** Shows sessions; `brief` leaves out what the dashboard has no room for. */
export function SessionTable({ sessions, brief = false }: { sessions: SessionView[]; brief?: boolean }) {
  const text = useText();
  const reasonOf = useReasons(sessions);
  return <DataTable caption={text.sessions.title} columns={columns(text, brief, reasonOf)} rows={sessions} rowKey={(row) => row.id} />;
}
