/** The strategy editor's state: schema, entries, validation, saving. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useNavigate, useParams, useSearchParams } from 'react-router';

import { ApiError, violationsBelow } from '../../api/problem';
import { keys } from '../../api/queries';
import { addVersion, type Config, createStrategy, getStrategy, listAlgorithms, listVersions, strategyDefaults, strategySchema } from '../../api/strategies';
import { differences } from '../../forms/pointers';
import { readSchema } from '../../forms/schema';
import { useValidation } from '../../forms/useValidation';
import { useText } from '../../i18n';
import { toast } from '../../state/toast';
import { fitting } from './fitting';

const FIRST_ALGORITHM = 'dqn';

/** What is saved already: the strategy, its versions, the one that is shown. */
function useStored() {
  const { id } = useParams();
  const [params] = useSearchParams();
  const strategy = useQuery({ queryKey: keys.strategy(id ?? ''), queryFn: () => getStrategy(id ?? ''), enabled: id !== undefined });
  const versions = useQuery({ queryKey: keys.versions(id ?? ''), queryFn: () => listVersions(id ?? ''), enabled: id !== undefined });
  const wanted = Number(params.get('version') ?? strategy.data?.version ?? 0);
  const shown = versions.data?.find((each) => each.version === wanted);
  return { id, strategy, versions, shown };
}

function agentOf(config: Config | undefined): string | undefined {
  const agent = config?.['agent'] as { algorithm?: unknown } | undefined;
  return typeof agent?.algorithm === 'string' ? agent.algorithm : undefined;
}

/** Everything the editor shows and does. */
export function useEditor() {
  const text = useText();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const stored = useStored();
  const [params, setParams] = useSearchParams();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [edits, setEdits] = useState<{ base: unknown; config: Config } | null>(null);
  const algorithms = useQuery({ queryKey: keys.algorithms, queryFn: listAlgorithms, staleTime: Infinity });
  const algorithm = agentOf(stored.shown?.config) ?? params.get('algorithm') ?? FIRST_ALGORITHM;
  const ready = stored.id === undefined || stored.shown !== undefined;
  const schema = useQuery({ queryKey: keys.schema('strategy', algorithm), queryFn: () => strategySchema(algorithm), staleTime: Infinity, enabled: ready });
  const defaults = useQuery({ queryKey: keys.schema('defaults', algorithm), queryFn: () => strategyDefaults(algorithm), staleTime: Infinity, enabled: stored.id === undefined });
  const tasks = algorithms.data?.find((each) => each.id === algorithm)?.tasks;
  const node = useMemo(() => (schema.data ? fitting(readSchema(schema.data), tasks) : null), [schema.data, tasks]);
  const base = (stored.shown?.config ?? defaults.data) as Config | undefined;
  const config = edits && edits.base === base ? edits.config : (base ?? null);
  const checked = useValidation('strategy', node, config);
  const save = useMutation({
    mutationFn: async () => {
      if (!config) throw new Error('nothing to save');
      const { data: strategy } = stored.strategy;
      if (!strategy) return { created: await createStrategy({ name: name.trim(), description, config }) };
      return { version: await addVersion(strategy, config) };
    },
    onSuccess: ({ created, version }) => {
      void queries.invalidateQueries({ queryKey: keys.strategies });
      setEdits(null);
      if (created) toast('good', text.editor.created(created.name));
      if (version) toast('good', text.editor.saved(version.version));
      void navigate(`/strategies/${created?.id ?? stored.id ?? ''}`, { replace: true });
    },
  });
  const refused = save.error instanceof ApiError ? violationsBelow(save.error.problem, '/config') : [];
  return {
    ...stored,
    name, setName, description, setDescription,
    algorithms, algorithm,
    chooseAlgorithm: (next: string) => setParams({ algorithm: next }, { replace: true }),
    node, config, checked, save, refused,
    loading: !node || !config,
    failure: stored.strategy.error ?? stored.versions.error ?? schema.error ?? defaults.error,
    changed: config && base ? differences(base, config) : 0,
    change: (next: Config) => setEdits({ base, config: next }),
    reset: () => setEdits(null),
  };
}

export type Editor = ReturnType<typeof useEditor>;
