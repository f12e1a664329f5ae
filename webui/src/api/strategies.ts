/** Calls about strategies, their schema and their validation. */
import type { JsonSchema } from '../forms/schema';
import { client, command, revision, unwrap } from './client';
import type { AlgorithmView, SealView, StrategyVersionView, StrategyView, TrialList, Validation } from './types';

export type Config = Record<string, unknown>;

const LIST_LIMIT = 100;

export function listStrategies(cursor?: string) {
  return unwrap(client.GET('/api/v1/strategies', { params: { query: { limit: LIST_LIMIT, cursor } } }));
}

export function getStrategy(id: string): Promise<StrategyView> {
  return unwrap(client.GET('/api/v1/strategies/{id}', { params: { path: { id } } }));
}

export async function listVersions(id: string): Promise<StrategyVersionView[]> {
  const page = await unwrap(client.GET('/api/v1/strategies/{id}/versions', { params: { path: { id } } }));
  return page.items;
}

const TRIALS_LIMIT = 50;

/** The newest trials of a strategy. */
export function listTrials(id: string): Promise<TrialList> {
  return unwrap(client.GET('/api/v1/strategies/{id}/trials', { params: { path: { id }, query: { limit: TRIALS_LIMIT } } }));
}

/** How a strategy's seal stands. */
export function getSeal(id: string): Promise<SealView> {
  return unwrap(client.GET('/api/v1/strategies/{id}/seal', { params: { path: { id } } }));
}

/** Opens it, once and for ever. */
export function openSeal(id: string, reason: string): Promise<SealView> {
  return unwrap(client.POST('/api/v1/strategies/{id}/seal:open', { params: { path: { id }, header: command() }, body: { reason } }));
}

export function createStrategy(body: { name: string; description: string; config: Config }): Promise<StrategyView> {
  return unwrap(client.POST('/api/v1/strategies', { params: { header: command() }, body }));
}

export function addVersion(strategy: StrategyView, config: Config): Promise<StrategyVersionView> {
  return unwrap(
    client.POST('/api/v1/strategies/{id}/versions', {
      params: { path: { id: strategy.id }, header: { ...command(), 'If-Match': revision(strategy) } },
      body: { config },
    }),
  );
}

export function archiveStrategy(strategy: StrategyView): Promise<StrategyView> {
  return unwrap(
    client.POST('/api/v1/strategies/{id}:archive', {
      params: { path: { id: strategy.id }, header: { ...command(), 'If-Match': revision(strategy) } },
    }),
  );
}

export function listAlgorithms(): Promise<AlgorithmView[]> {
  return unwrap(client.GET('/api/v1/algorithms'));
}

export async function strategySchema(algo: string): Promise<JsonSchema> {
  return (await unwrap(client.GET('/api/v1/schemas/strategy/{algo}', { params: { path: { algo } } }))) as JsonSchema;
}

export async function strategyDefaults(algo: string): Promise<Config> {
  return (await unwrap(client.GET('/api/v1/schemas/strategy/{algo}/defaults', { params: { path: { algo } } }))) as Config;
}

export async function sessionSchema(kind: string): Promise<JsonSchema> {
  return (await unwrap(client.GET('/api/v1/schemas/session/{kind}', { params: { path: { kind } } }))) as JsonSchema;
}

export async function sessionDefaults(kind: string): Promise<Config> {
  return (await unwrap(client.GET('/api/v1/schemas/session/{kind}/defaults', { params: { path: { kind } } }))) as Config;
}

export function validateConfig(kind: 'strategy' | 'session', config: Config): Promise<Validation> {
  return unwrap(client.POST('/api/v1/configs:validate', { body: { kind, config } }));
}
