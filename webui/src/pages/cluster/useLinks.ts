/** The links of every node, each asked on its own: one that does not answer hides nobody else's. */
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';

import { readLinks } from '../../api/cluster';
import { keys } from '../../api/queries';
import type { NodeView } from '../../api/types';
import type { Told } from './links';

const REFETCH_MS = 5000;

/** Reads the links of those nodes that are up. */
export function useLinks(nodes: NodeView[]) {
  const asked = useMemo(() => nodes.filter((node) => node.up).map((node) => node.id), [nodes]);
  return useQueries({
    queries: asked.map((id) => ({ queryKey: keys.links(id), queryFn: () => readLinks(id), refetchInterval: REFETCH_MS })),
    combine: (results) => {
      const told: Told = {};
      for (const [index, id] of asked.entries()) {
        const result = results[index];
        if (result?.data) told[id] = result.data;
        else if (result?.error) told[id] = null;
      }
      return { told, loading: results.length > 0 && results.every((result) => result.isPending), silent: Object.keys(told).filter((id) => told[id] === null) };
    },
  });
}
