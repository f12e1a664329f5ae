/** All sessions, filtered by what the address says, live. */
import { Button } from 'antd';
import { useMemo } from 'react';
import { useNavigate, useSearchParams } from 'react-router';

import type { SessionFilter } from '../../api/sessions';
import { Age } from '../../components/Age';
import { CommandHint } from '../../components/CommandHint';
import { EmptyNote } from '../../components/EmptyNote';
import { ErrorNote } from '../../components/ErrorNote';
import { LinkButton } from '../../components/LinkButton';
import { Loading } from '../../components/Loading';
import { NativeSelect } from '../../components/NativeSelect';
import { Page } from '../../components/Page';
import { useText } from '../../i18n';
import { useUrlState } from '../../state/useUrlState';
import { KINDS } from './kinds';
import { SessionTable } from './SessionTable';
import { useSessions } from './useSessions';

const STATES = ['pending', 'running', 'paused', 'recovering', 'completed', 'stopped', 'failed'] as const;

/** The sessions page. */
export default function SessionsPage() {
  const text = useText();
  const navigate = useNavigate();
  const [params] = useSearchParams();
  const [kind, setKind] = useUrlState('kind');
  const [state, setState] = useUrlState('state');
  const strategy = params.get('strategy') ?? '';
  const filter = useMemo<SessionFilter>(
    () => ({
      kind: KINDS.find((each) => each === kind),
      state: STATES.find((each) => each === state),
      strategy_id: strategy || undefined,
    }),
    [kind, state, strategy],
  );
  const { query, rows, unseen, changedAt } = useSessions(filter);
  const filtered = kind !== '' || state !== '' || strategy !== '';
  const all = { value: '', label: text.common.all };
  const start = <LinkButton primary to="/sessions/new">{text.sessions.start}</LinkButton>;
  return (
    <Page title={text.sessions.title} aside={changedAt > 0 && <Age live at={changedAt} />} actions={start}>
      <div className="filters">
        <label htmlFor="filter-kind">{text.sessions.kind}</label>
        <NativeSelect id="filter-kind" value={kind} onChange={setKind} options={[all, ...KINDS.map((value) => ({ value, label: text.sessions.kinds[value] }))]} />
        <label htmlFor="filter-state">{text.common.state}</label>
        <NativeSelect id="filter-state" value={state} onChange={setState} options={[all, ...STATES.map((value) => ({ value, label: text.sessions.states[value] }))]} />
        {filtered && <Button type="link" onClick={() => void navigate('/sessions')}>{text.sessions.clear}</Button>}
      </div>
      {unseen > 0 && <button type="button" className="news" onClick={() => void query.refetch()}>{text.sessions.waiting(unseen)}</button>}
      {query.data === undefined && !query.error && <Loading lines={8} />}
      {query.error && <ErrorNote error={query.error} onRetry={() => void query.refetch()} />}
      {query.data && rows.length === 0 && (
        <EmptyNote title={filtered ? text.sessions.noMatch : text.sessions.empty} help={filtered ? undefined : text.sessions.emptyHelp} action={filtered ? undefined : start} />
      )}
      {rows.length > 0 && <div className="card card-flush"><SessionTable sessions={rows} /></div>}
      {query.hasNextPage && <Button onClick={() => void query.fetchNextPage()} loading={query.isFetchingNextPage}>{text.common.more}</Button>}
      <CommandHint command={`tm session ls${kind ? ` --filter kind=${kind}` : ''}${state ? ` --filter state=${state}` : ''}`} />
    </Page>
  );
}
