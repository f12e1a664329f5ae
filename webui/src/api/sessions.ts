/** Calls about sessions and what they leave behind. */
import { client, command, read, unwrap } from './client';
import type { BacktestReport, CheckpointView, EvaluationReport, LabellingReport, NewSession, SeriesView, SessionKind, SessionState, SessionView, TransitionView } from './types';

/** Which sessions a list shows. */
export interface SessionFilter {
  kind?: SessionKind;
  state?: SessionState;
  strategy_id?: string;
}

export type SessionVerb = 'pause' | 'resume' | 'stop' | 'checkpoint';

/** One page of a list. */
interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** What is asked for when a session is started; one that labels names no strategy. */
export type SessionStart = Omit<NewSession, 'strategy_id' | 'strategy_version'> & { strategy_id: string | null; strategy_version: number | null };

const PAGE = 50;
const BINS = 2000;
const LOG_PAGE = 500;

export function listSessions(filter: SessionFilter, cursor?: string) {
  const query = { ...filter, kind: filter.kind as 'training' | undefined, limit: PAGE, cursor };
  return unwrap(client.GET('/api/v1/sessions', { params: { query } })) as Promise<Page<SessionView>>;
}

export function getSession(id: string): Promise<SessionView> {
  return unwrap(client.GET('/api/v1/sessions/{id}', { params: { path: { id } } }));
}

export function startSession(body: SessionStart): Promise<SessionView> {
  return unwrap(client.POST('/api/v1/sessions', { params: { header: command() }, body: body as NewSession })) as Promise<SessionView>;
}

export function commandSession(id: string, verb: SessionVerb, reason?: string): Promise<SessionView> {
  return sent(id, verb, reason) as Promise<SessionView>;
}

function sent(id: string, verb: SessionVerb, reason?: string) {
  const call = { params: { path: { id }, header: command() }, body: { reason: reason ?? null } };
  switch (verb) {
    case 'pause':
      return unwrap(client.POST('/api/v1/sessions/{id}:pause', call));
    case 'resume':
      return unwrap(client.POST('/api/v1/sessions/{id}:resume', call));
    case 'stop':
      return unwrap(client.POST('/api/v1/sessions/{id}:stop', call));
    case 'checkpoint':
      return unwrap(client.POST('/api/v1/sessions/{id}:checkpoint', call));
  }
}

/** Sends a session to `node`, or to any node with room. */
export function moveSession(id: string, node: string | null, reason: string) {
  return unwrap(client.POST('/api/v1/sessions/{id}:move', { params: { path: { id }, header: command() }, body: { node, reason } }));
}

export async function readMetrics(id: string): Promise<SeriesView[]> {
  const query = { bins: BINS };
  const answer = await unwrap(client.GET('/api/v1/sessions/{id}/metrics', { params: { path: { id }, query } }));
  // Without `raw` the gateway answers series; the document names both.
  return answer.items as SeriesView[];
}

export function readLogs(id: string, after: number | null) {
  const query = { limit: LOG_PAGE, after: after ?? undefined };
  return unwrap(client.GET('/api/v1/sessions/{id}/logs', { params: { path: { id }, query } }));
}

export async function readTimeline(id: string): Promise<TransitionView[]> {
  return (await unwrap(client.GET('/api/v1/sessions/{id}/timeline', { params: { path: { id } } }))).items;
}

export async function readCheckpoints(id: string): Promise<CheckpointView[]> {
  return (await unwrap(client.GET('/api/v1/sessions/{id}/checkpoints', { params: { path: { id } } }))).items;
}

export function readReport(id: string): Promise<BacktestReport> {
  return unwrap(client.GET('/api/v1/sessions/{id}/report', { params: { path: { id } } })) as Promise<BacktestReport>;
}

export function readEvaluation(id: string): Promise<EvaluationReport> {
  return read(`/sessions/${encodeURIComponent(id)}/evaluation`);
}

export function readLabels(id: string): Promise<LabellingReport> {
  return read(`/sessions/${encodeURIComponent(id)}/labels`);
}
