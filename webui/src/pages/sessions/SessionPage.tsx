/** One session: how it stands, its curves, its story, its log. */
import { useParams } from 'react-router';

import type { SessionView } from '../../api/types';
import { Age } from '../../components/Age';
import { CommandHint } from '../../components/CommandHint';
import { ErrorNote } from '../../components/ErrorNote';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { StatusBadge } from '../../components/StatusBadge';
import { Tabs } from '../../components/Tabs';
import { useText } from '../../i18n';
import { useUrlState } from '../../state/useUrlState';
import { SessionActions } from './SessionActions';
import { SessionHeader } from './SessionHeader';
import { CheckpointsTab } from './tabs/CheckpointsTab';
import { ConfigTab } from './tabs/ConfigTab';
import { CurvesTab } from './tabs/CurvesTab';
import { LogTab } from './tabs/LogTab';
import { TimelineTab } from './tabs/TimelineTab';
import { isTerminal, useSession } from './useSession';

const TABS = ['overview', 'metrics', 'log', 'timeline', 'checkpoints', 'config'] as const;

/** The session page. */
export default function SessionPage() {
  const text = useText();
  const { id = '' } = useParams();
  const { query, session, changedAt } = useSession(id);
  const [tab] = useUrlState('tab', 'overview');
  const parent = { to: '/sessions', label: text.sessions.title };
  if (!session) {
    return (
      <Page title={text.sessions.title} parent={parent}>
        {query.error ? <ErrorNote error={query.error} onRetry={() => void query.refetch()} /> : <Loading lines={10} />}
      </Page>
    );
  }
  const aside = (
    <>
      <StatusBadge state={session.state} />
      <span className="tag">{text.sessions.kinds[session.kind] ?? session.kind}</span>
      {!isTerminal(session.state) && <Age live at={changedAt} />}
    </>
  );
  return (
    <Page title={session.name} parent={parent} aside={aside} actions={<SessionActions session={session} />}>
      <SessionHeader session={session} />
      <Tabs label={session.name} name="tab" current={tab} items={TABS.map((key) => ({ key, label: text.session.tabs[key] }))} />
      <Tab name={tab} session={session} />
      <CommandHint command={`tm session show ${session.id}`} />
    </Page>
  );
}

function Tab({ name, session }: { name: string; session: SessionView }) {
  switch (name) {
    case 'timeline':
      return <TimelineTab id={session.id} />;
    case 'log':
      return <LogTab key={session.id} id={session.id} active={!isTerminal(session.state)} />;
    case 'checkpoints':
      return <CheckpointsTab id={session.id} active={!isTerminal(session.state)} />;
    case 'config':
      return <ConfigTab session={session} />;
    case 'metrics':
      return <CurvesTab key={`metrics ${session.id}`} session={session} every />;
    default:
      return <CurvesTab key={`overview ${session.id}`} session={session} />;
  }
}
