/** One session: REST first, then whatever the topic `session/{id}` says. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';

import { keys } from '../../api/queries';
import { commandSession, getSession, moveSession, type SessionVerb } from '../../api/sessions';
import { asProblem, problemTitle } from '../../api/problem';
import type { SessionState, SessionView } from '../../api/types';
import { useText } from '../../i18n';
import { useTopic } from '../../live/useTopic';
import { toast } from '../../state/toast';

const TERMINAL = new Set<SessionState>(['completed', 'stopped', 'failed']);
const SLOW_REFETCH_MS = 10_000;

/** Whether nothing follows this state. */
export function isTerminal(state: SessionState): boolean {
  return TERMINAL.has(state);
}

/** Reads and follows one session. */
export function useSession(id: string) {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: keys.session(id),
    queryFn: () => getSession(id),
    refetchInterval: (running) => (running.state.data && isTerminal(running.state.data.state) ? false : SLOW_REFETCH_MS),
  });
  const live = useTopic<unknown>(`session/${id}`);
  const session = useMemo<SessionView | undefined>(() => {
    if (!query.data) return undefined;
    const rows = live.rows as Partial<SessionView>;
    const newer = rows.revision === undefined || rows.revision >= query.data.revision;
    return newer ? { ...query.data, ...rows } : query.data;
  }, [query.data, live.rows]);
  const state = session?.state;
  useEffect(() => {
    if (state === undefined) return;
    for (const part of ['timeline', 'checkpoints']) void queries.invalidateQueries({ queryKey: keys.sessionPart(id, part) });
    if (isTerminal(state)) void queries.invalidateQueries({ queryKey: keys.sessionPart(id, 'metrics') });
  }, [queries, id, state]);
  return { query, session, changedAt: Math.max(live.changedAt, query.dataUpdatedAt) };
}

/** Sends commands to a session and says what happened. */
export function useSessionCommand(id: string) {
  const text = useText();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ verb, reason }: { verb: SessionVerb; reason?: string }) => commandSession(id, verb, reason),
    onSuccess: (session, { verb }) => {
      if (session?.id === id) queries.setQueryData(keys.session(id), session);
      void queries.invalidateQueries({ queryKey: keys.sessions });
      toast('good', text.session.asked[verb]);
    },
    onError: (error) => {
      const problem = asProblem(error);
      toast('bad', `${problemTitle(text, problem)}: ${problem.detail}`);
    },
  });
}

/** Asks for a session to go elsewhere; a refusal stays in `error`, for the dialog that asked. */
export function useSessionMove(id: string) {
  const text = useText();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ node, reason }: { node: string | null; reason: string }) => moveSession(id, node, reason),
    onSuccess: () => {
      for (const queryKey of [keys.sessions, keys.nodes, keys.scheduler]) void queries.invalidateQueries({ queryKey });
      toast('good', text.queue.moving);
    },
  });
}
