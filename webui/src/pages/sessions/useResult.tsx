/** What a finished session leaves behind: read once it is there, announced by the session's topic. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';

import { keys } from '../../api/queries';
import { getSession } from '../../api/sessions';
import type { SessionView } from '../../api/types';
import { EmptyNote } from '../../components/EmptyNote';
import { ErrorNote } from '../../components/ErrorNote';
import { LinkButton } from '../../components/LinkButton';
import { Loading } from '../../components/Loading';
import { useText } from '../../i18n';
import { useTopic } from '../../live/useTopic';

/** A session and its result. */
export interface Result<T> {
  session: SessionView | undefined;
  failure: unknown;
  waiting: boolean;
  report: UseQueryResult<T>;
}

/** Reads a session and, once it has a report, `part` of it by `fetch`. */
export function useResult<T>(id: string, part: string, fetch: (id: string) => Promise<T>): Result<T> {
  const live = useTopic<unknown>(`session/${id}`);
  const session = useQuery({ queryKey: keys.session(id), queryFn: () => getSession(id) });
  const ready = live.rows['report_sha256'] ?? session.data?.report_sha256;
  const report = useQuery({ queryKey: [...keys.sessionPart(id, part), ready ?? null], queryFn: () => fetch(id), staleTime: Infinity, enabled: Boolean(ready) });
  return { session: session.data, failure: session.error, waiting: session.data !== undefined && !ready, report };
}

/** Shows whichever state applies while there is no result. */
export function ResultStates<T>({ id, result, title, help }: { id: string; result: Result<T>; title: string; help: string }) {
  const text = useText();
  const { session, report } = result;
  return (
    <>
      {result.failure !== null && <ErrorNote error={result.failure} />}
      {result.waiting && <EmptyNote title={title} help={session?.first_error ?? help} action={<LinkButton primary to={`/sessions/${id}`}>{text.report.toSession}</LinkButton>} />}
      {report.error && <ErrorNote error={report.error} onRetry={() => void report.refetch()} />}
      {report.isLoading && <Loading lines={12} />}
    </>
  );
}
