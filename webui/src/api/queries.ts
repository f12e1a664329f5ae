/** Names of cached answers, so that a change knows what it makes old. */
export const keys = {
  strategies: ['strategies'] as const,
  strategy: (id: string) => ['strategies', id] as const,
  versions: (id: string) => ['strategies', id, 'versions'] as const,
  schema: (kind: string, name: string) => ['schema', kind, name] as const,
  algorithms: ['algorithms'] as const,
  datasets: ['datasets'] as const,
  dataset: (id: string) => ['datasets', id] as const,
  bars: (id: string) => ['datasets', id, 'bars'] as const,
  sessions: ['sessions'] as const,
  session: (id: string) => ['sessions', id] as const,
  sessionPart: (id: string, part: string) => ['sessions', id, part] as const,
  nodes: ['nodes'] as const,
  about: ['about'] as const,
};
