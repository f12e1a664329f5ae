/** A topic of the live stream inside a component. */
import { useEffect } from 'react';

import type { TopicPhase } from './reducer';
import { followTopic, type Sink, useLive } from './socket';

/** The keyed values of a state topic and how fresh they are. */
export interface TopicView<T> {
  rows: Record<string, T>;
  phase: TopicPhase;
  changedAt: number;
}

const NO_ROWS = {};

/** Follows a state topic while the component is shown; `null` follows nothing. */
export function useTopic<T>(topic: string | null): TopicView<T> {
  useEffect(() => (topic === null ? undefined : followTopic(topic)), [topic]);
  const found = useLive((live) => (topic === null ? undefined : live.topics[topic]));
  return {
    rows: (found?.rows ?? NO_ROWS) as Record<string, T>,
    phase: found?.phase ?? 'waiting',
    changedAt: found?.changedAt ?? 0,
  };
}

/** Hands every change of a topic to `sink`, which must not change between renders. */
export function useTopicSink(topic: string | null, sink: Sink): void {
  useEffect(() => (topic === null ? undefined : followTopic(topic, sink)), [topic, sink]);
}

/** Since when what the live stream shows may be old; null while it is live. */
export function useStaleSince(): number | null {
  return useLive((live) => live.staleSince);
}
