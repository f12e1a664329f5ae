/** The curves of one session: history by REST, then the live stream. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';

import { keys } from '../../api/queries';
import { readMetrics } from '../../api/sessions';
import type { TopicData } from '../../live/frames';
import { SeriesSet } from '../../live/series';
import { useTopicSink } from '../../live/useTopic';

/** Loads and follows the curves. `names` changes only when a curve appears. */
export function useCurves(id: string, active: boolean) {
  const [set] = useState(() => new SeriesSet());
  const query = useQuery({ queryKey: keys.sessionPart(id, 'metrics'), queryFn: () => readMetrics(id), staleTime: 60_000 });
  const { data } = query;
  const loaded = useRef<unknown>(null);
  useEffect(() => {
    if (!data || data === loaded.current || (active && set.version > 0)) return;
    loaded.current = data;
    set.load(data);
  }, [data, set, active]);
  const sink = useCallback((change: 'snapshot' | 'delta' | 'gap', part: TopicData) => set.apply(change, part), [set]);
  useTopicSink(active ? `metrics/${id}` : null, sink);
  const names = useSyncExternalStore(set.subscribe, () => [...set.curves.keys()].sort().join(' '));
  return { set, query, names: names === '' ? [] : names.split(' ') };
}
