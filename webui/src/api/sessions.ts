/** Calls about sessions and what they leave behind. */
import { client, unwrap } from './client';
import type { BacktestReport, CheckpointView, SeriesView, SessionView, TransitionView } from './types';

/** Which sessions a list shows. */
export interface SessionFilter {
  kind?: string;
  state?: string;
  strategy_id?: string;
}

/** What a new session needs. */
export interface NewSession {
  name: string;
  strategy_id: string;
  strategy_version?: number;
  dataset_id: string;
  config: Record<string, unknown>;
  resources?: { cpu: number; memory_mib: number; gpus: number };
  priority?: number;
  tags?: string[];
}

export type SessionVerb = 'pause' | 'resume' | 'stop' | 'checkpoint';

const PAGE = 50;
const BINS = 2000;
const LOG_PAGE = 500;

export function listSessions(filter: SessionFilter, cursor?: string) {
  return unwrap(client.GET('/api/v1/sessions', { params: { query: { ...filter, limit: String(PAGE), cursor } } }));
}

export function getSession(id: string): Promise<SessionView> {
  return unwrap(client.GET('/api/v1/sessions/{id}', { params: { path: { id } } }));
}

export function startSession(body: NewSession): Promise<SessionView> {
  return unwrap(client.POST('/api/v1/sessions', { body }));
}

export function commandSession(id: string, verb: SessionVerb, reason?: string): Promise<SessionView> {
  const call = { params: { path: { id } }, body: reason ? { reason } : {} };
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

export async function readMetrics(id: string): Promise<SeriesView[]> {
  const query = { bins: String(BINS) };
  const answer = await unwrap(client.GET('/api/v1/sessions/{id}/metrics', { params: { path: { id }, query } }));
  return answer.series;
}

export function readLogs(id: string, after: number | null) {
  const query = { limit: String(LOG_PAGE), after: after === null ? undefined : String(after) };
  return unwrap(client.GET('/api/v1/sessions/{id}/logs', { params: { path: { id }, query } }));
}

export async function readTimeline(id: string): Promise<TransitionView[]> {
  return (await unwrap(client.GET('/api/v1/sessions/{id}/timeline', { params: { path: { id } } }))).items;
}

export async function readCheckpoints(id: string): Promise<CheckpointView[]> {
  return (await unwrap(client.GET('/api/v1/sessions/{id}/checkpoints', { params: { path: { id } } }))).items;
}

export function readReport(id: string): Promise<BacktestReport> {
  return unwrap(client.GET('/api/v1/sessions/{id}/report', { params: { path: { id } } }));
}
