/** What the start page asks for: kind, strategy, data set, settings by schema, resources. */
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useSearchParams } from 'react-router';

import { listDatasets } from '../../api/datasets';
import { keys } from '../../api/queries';
import { getSession, listSessions } from '../../api/sessions';
import { type Config, listAlgorithms, listStrategies, sessionDefaults, sessionSchema } from '../../api/strategies';
import type { SessionKind } from '../../api/types';
import { readSchema } from '../../forms/schema';
import { useValidation } from '../../forms/useValidation';
import { kindOf } from './kinds';
import { withTrained } from './trained';
import { NO_WISHES } from './wishes';

export interface Resources {
  cpu: number;
  memory_mib: number;
  gpus: number;
  /** Least memory of each GPU; null: any GPU will do. */
  gpu_memory_mib: number | null;
  /** Wall time from the first step on; null: no limit. */
  time_limit_seconds: number | null;
}

const RESOURCES: Resources = { cpu: 1, memory_mib: 512, gpus: 0, gpu_memory_mib: null, time_limit_seconds: null };

/** The lists to choose from. */
function useChoices() {
  const strategies = useQuery({ queryKey: [...keys.strategies, 'list'], queryFn: () => listStrategies() });
  const datasets = useQuery({ queryKey: [...keys.datasets, 'list'], queryFn: () => listDatasets() });
  const algorithms = useQuery({ queryKey: keys.algorithms, queryFn: listAlgorithms, staleTime: Infinity });
  const trained = useQuery({ queryKey: [...keys.sessions, 'trained'], queryFn: () => listSessions({ kind: 'training' }) });
  return { strategies, datasets, algorithms, trained };
}

/** Everything the page shows and changes. */
export function useStartForm() {
  const [params] = useSearchParams();
  const from = params.get('from');
  const origin = useQuery({ queryKey: keys.session(from ?? ''), queryFn: () => getSession(from ?? ''), enabled: from !== null });
  const [chosen, setChosen] = useState<{ kind?: SessionKind; strategy?: string; dataset?: string; name?: string; version?: string }>({});
  const [config, setConfig] = useState<Config | null>(null);
  const [resources, setResources] = useState(RESOURCES);
  const [priority, setPriority] = useState(0);
  const [wishes, setWishes] = useState(NO_WISHES);
  const choices = useChoices();
  const kind: SessionKind = chosen.kind ?? kindOf(params.get('kind'));
  const strategyId = chosen.strategy ?? params.get('strategy') ?? origin.data?.strategy_id ?? choices.strategies.data?.items[0]?.id ?? '';
  const strategy = choices.strategies.data?.items.find((each) => each.id === strategyId);
  const datasetId = chosen.dataset ?? params.get('dataset') ?? origin.data?.dataset_id ?? choices.datasets.data?.items[0]?.id ?? '';
  const version = chosen.version ?? (origin.data && origin.data.strategy_id === strategyId ? String(origin.data.strategy_version) : '');
  const learns = choices.algorithms.data?.find((each) => each.id === strategy?.algorithm)?.learns ?? true;
  const schema = useQuery({ queryKey: keys.schema('session', kind), queryFn: () => sessionSchema(kind), staleTime: Infinity });
  const defaults = useQuery({ queryKey: keys.schema('session-defaults', kind), queryFn: () => sessionDefaults(kind), staleTime: Infinity });
  const node = useMemo(() => (schema.data ? readSchema(schema.data) : null), [schema.data]);
  const trained = useMemo(
    () => (choices.trained.data?.items ?? []).filter((each) => each.model_sha256 !== null && each.strategy_id === strategyId),
    [choices.trained.data, strategyId],
  );
  const initial = useMemo<Config | null>(() => {
    if (!defaults.data) return null;
    const base = defaults.data;
    if ((kind !== 'backtest' && kind !== 'evaluation') || !learns) return base;
    const session = origin.data?.id ?? trained[0]?.id ?? '';
    const split = (origin.data?.config as Config | undefined)?.['split'];
    return { ...withTrained(node, base, session), ...(split ? { split } : {}) };
  }, [defaults.data, kind, learns, node, origin.data, trained]);
  const current = config ?? initial;
  const checked = useValidation('session', node, current);
  const choose = (change: typeof chosen) => {
    setChosen({ ...chosen, ...change });
    if (change.kind !== undefined || change.strategy !== undefined) setConfig(null);
  };
  return {
    kind, strategy, strategyId, datasetId, version, learns, node, trained, schema, defaults, origin, choices,
    config: current, setConfig, checked, resources, setResources, priority, setPriority, wishes, setWishes, name: chosen.name, choose,
  };
}

export type StartForm = ReturnType<typeof useStartForm>;
