/** Asks the node what a data set made of another one would hold, a moment after the last change. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { inspectDerived } from '../../api/datasets';
import type { Steps } from './reading';

const SETTLE_MS = 500;

/** Follows `steps`; nothing is asked where there are none. */
export function useDerivation(id: string, steps: Steps | null) {
  const mark = steps && JSON.stringify(steps);
  const [settled, setSettled] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(mark), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [mark]);
  return useQuery({
    queryKey: ['derivation', id, settled],
    queryFn: () => inspectDerived({ dataset_id: id, ...(JSON.parse(settled ?? '{}') as Steps) }),
    enabled: settled !== null && mark !== null,
    staleTime: Infinity,
    retry: false,
    placeholderData: (before) => before,
  });
}
