/** The four states of something that is fetched: loading, error, empty, there. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';

import { ErrorNote } from './ErrorNote';
import { Loading } from './Loading';

interface PartProps<T> {
  query: UseQueryResult<T>;
  lines?: number;
  isEmpty?: (data: T) => boolean;
  empty?: ReactNode;
  children: (data: T) => ReactNode;
}

/** Shows whichever state applies; old data stays visible while a refetch fails. */
export function Part<T>({ query, lines, isEmpty, empty, children }: PartProps<T>) {
  if (query.data === undefined) {
    return query.error ? <ErrorNote error={query.error} onRetry={() => void query.refetch()} /> : <Loading lines={lines} />;
  }
  if (isEmpty?.(query.data)) return empty;
  return children(query.data);
}
