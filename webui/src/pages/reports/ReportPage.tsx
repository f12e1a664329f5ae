/** The report of a back-test: the agent beside its baselines, after costs. */
import { useQuery } from '@tanstack/react-query';
import { useParams } from 'react-router';

import { keys } from '../../api/queries';
import { getSession, readReport } from '../../api/sessions';
import { CommandHint } from '../../components/CommandHint';
import { EmptyNote } from '../../components/EmptyNote';
import { ErrorNote } from '../../components/ErrorNote';
import { LinkButton } from '../../components/LinkButton';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { SealTag } from '../../components/SealTag';
import { useText } from '../../i18n';
import { useTopic } from '../../live/useTopic';
import { ReportBody } from './ReportBody';

/** The report page. */
export default function ReportPage() {
  const text = useText();
  const { id = '' } = useParams();
  const live = useTopic<unknown>(`session/${id}`);
  const session = useQuery({ queryKey: keys.session(id), queryFn: () => getSession(id) });
  const ready = live.rows['report_sha256'] ?? session.data?.report_sha256;
  const report = useQuery({ queryKey: [...keys.sessionPart(id, 'report'), ready ?? null], queryFn: () => readReport(id), staleTime: Infinity, enabled: Boolean(ready) });
  const title = session.data?.name ?? text.report.title;
  const badges = report.data && (
    <>
      <span className="tag">{text.report.title}</span>
      {report.data.synthetic && <span className="tag tag-warn">{text.report.synthetic}</span>}
      <SealTag mark={report.data.seal} />
      {report.data.truth === 'faithful' && <span className="tag tag-warn">{text.report.faithful}</span>}
    </>
  );
  const waiting = session.data !== undefined && !ready;
  return (
    <Page title={title} aside={badges} parent={{ to: '/sessions', label: text.sessions.title }} actions={<LinkButton to={`/sessions/${id}`}>{text.report.toSession}</LinkButton>}>
      {session.error && <ErrorNote error={session.error} />}
      {waiting && <EmptyNote title={text.report.running} help={session.data?.first_error ?? text.report.runningHelp} action={<LinkButton primary to={`/sessions/${id}`}>{text.report.toSession}</LinkButton>} />}
      {report.error && <ErrorNote error={report.error} onRetry={() => void report.refetch()} />}
      {report.isLoading && <Loading lines={12} />}
      {report.data && <ReportBody report={report.data} />}
      <CommandHint command={`tm backtest report ${id}`} />
    </Page>
  );
}
