/** Asks the node, a moment after the last change, whether a configuration is valid. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';

import { type Config, validateConfig } from '../api/strategies';
import type { Validation, Violation } from '../api/types';
import { checkTree } from './numbers';
import type { FieldNode } from './schema';

const DEBOUNCE_MS = 350;

/** What is known about the current entries. */
export interface Checked {
  /** Violations seen in the browser at once, joined by those of the node. */
  errors: Violation[];
  warnings: Violation[];
  effective: Config | null;
  hash: string | null;
  checking: boolean;
  /** The node itself could not be asked. */
  failure: unknown;
}

function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function joined(local: Violation[], answer: Validation | undefined, current: boolean): Violation[] {
  if (!answer || !current) return local;
  const seen = new Set(answer.errors.map((error) => error.pointer));
  return [...answer.errors, ...local.filter((error) => !seen.has(error.pointer))];
}

/** Follows `config` and keeps its validation current. */
export function useValidation(kind: 'strategy' | 'session', node: FieldNode | null, config: Config | null): Checked {
  const settled = useSettled(config);
  const query = useQuery({
    queryKey: ['validation', kind, settled],
    queryFn: () => validateConfig(kind, settled ?? {}),
    enabled: settled !== null,
    staleTime: Infinity,
    gcTime: 30_000,
  });
  const local = useMemo(() => (node && config ? checkTree(node, config) : []), [node, config]);
  const current = settled === config;
  return {
    errors: joined(local, query.data, current),
    warnings: query.data?.warnings ?? [],
    effective: query.data?.ok ? ((query.data.effective ?? null) as Config | null) : null,
    hash: query.data?.hash ?? null,
    checking: !current || query.isFetching,
    failure: query.error,
  };
}
