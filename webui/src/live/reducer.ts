/**
 * The live stream's protocol as a pure function: events in, new state and effects out. No socket, no clock, no
 * randomness: time and jitter come in with the events, so that recorded frames replay exactly.
 */
import type { ClientFrame, ServerFrame, Since, TopicData } from './frames';
import { mergeRows } from './rows';

/** Silence after which the connection counts as dead. */
export const SILENCE_MS = 25_000;
/** How long a topic may lag behind the head named by a ping. */
export const LAG_MS = 2000;
const RENEW_BEFORE_MS = 60_000;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;

export type TopicPhase = 'waiting' | 'snapshot' | 'live' | 'refused' | 'ended';

/** One subscribed topic. */
export interface Topic {
  name: string;
  users: number;
  sid: number;
  phase: TopicPhase;
  since: Since | null;
  /** Parts of a snapshot that is still coming. */
  parts: TopicData[];
  /** Newest value per key; empty for series, logs and texts. */
  rows: Record<string, unknown>;
  /** When something was last applied. */
  changedAt: number;
  behindSince: number | null;
  code: string | null;
}

export type Link = 'closed' | 'connecting' | 'live';

/** Everything the client knows about its connection. */
export interface LiveState {
  link: Link;
  attempt: number;
  lastFrameAt: number;
  /** Since when what is shown may be old; null while live. */
  staleSince: number | null;
  expiresAt: number;
  renewing: boolean;
  nextSid: number;
  reconnectAfterMs: number | null;
  topics: Record<string, Topic>;
}

export type LiveEvent =
  | { type: 'want'; topic: string; now: number }
  | { type: 'unwant'; topic: string }
  | { type: 'connecting' }
  | { type: 'frame'; frame: ServerFrame; now: number }
  | { type: 'closed'; now: number; jitter: number }
  | { type: 'tick'; now: number };

export type Effect =
  | { type: 'send'; frame: ClientFrame }
  | { type: 'close'; code: number }
  | { type: 'retry'; afterMs: number }
  | { type: 'renew' }
  | { type: 'data'; topic: string; change: 'snapshot' | 'delta' | 'gap'; data: TopicData };

type Step = [LiveState, Effect[]];

/** Nothing is connected, nothing is wanted. */
export const IDLE: LiveState = {
  link: 'closed',
  attempt: 0,
  lastFrameAt: 0,
  staleSince: null,
  expiresAt: 0,
  renewing: false,
  nextSid: 1,
  reconnectAfterMs: null,
  topics: {},
};

/** Applies one event. */
export function reduce(state: LiveState, event: LiveEvent): Step {
  switch (event.type) {
    case 'want':
      return want(state, event.topic, event.now);
    case 'unwant':
      return unwant(state, event.topic);
    case 'connecting':
      return [{ ...state, link: 'connecting' }, []];
    case 'frame':
      return received({ ...state, lastFrameAt: event.now }, event.frame, event.now);
    case 'closed':
      return closed(state, event.now, event.jitter);
    case 'tick':
      return tick(state, event.now);
  }
}

function put(state: LiveState, topic: Topic): LiveState {
  return { ...state, topics: { ...state.topics, [topic.name]: topic } };
}

/** Subscribes with a new number, from where the topic was left if that is known. */
function subscribe(state: LiveState, topic: Topic): Step {
  const sid = state.nextSid;
  const next = put({ ...state, nextSid: sid + 1 }, { ...topic, sid, phase: 'waiting', parts: [], behindSince: null, code: null });
  const since = topic.since ? { since: topic.since } : {};
  return [next, [{ type: 'send', frame: { t: 'sub', sid, topic: topic.name, params: {}, ...since } }]];
}

/** Gives up a subscription whose order is lost and takes it up again. */
function resubscribe(state: LiveState, topic: Topic): Step {
  const [next, effects] = subscribe(state, topic);
  return [next, [{ type: 'send', frame: { t: 'unsub', sid: topic.sid } }, ...effects]];
}

function want(state: LiveState, name: string, now: number): Step {
  const known = state.topics[name];
  if (known) return [put(state, { ...known, users: known.users + 1 }), []];
  const fresh: Topic = {
    name, users: 1, sid: 0, phase: 'waiting', since: null, parts: [], rows: {}, changedAt: now, behindSince: null, code: null,
  };
  return state.link === 'live' ? subscribe(state, fresh) : [put(state, fresh), []];
}

function unwant(state: LiveState, name: string): Step {
  const known = state.topics[name];
  if (!known) return [state, []];
  if (known.users > 1) return [put(state, { ...known, users: known.users - 1 }), []];
  const { [name]: _gone, ...topics } = state.topics;
  const open = state.link === 'live' && known.sid > 0 && known.phase !== 'ended' && known.phase !== 'refused';
  return [{ ...state, topics }, open ? [{ type: 'send', frame: { t: 'unsub', sid: known.sid } }] : []];
}

function closed(state: LiveState, now: number, jitter: number): Step {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** (state.attempt + 1));
  const drawn = BACKOFF_MIN_MS + jitter * (ceiling - BACKOFF_MIN_MS);
  const afterMs = Math.round(state.reconnectAfterMs ?? drawn);
  const staleSince = state.staleSince ?? (state.lastFrameAt || now);
  const next: LiveState = { ...state, link: 'closed', attempt: state.attempt + 1, staleSince, renewing: false, reconnectAfterMs: null };
  return [next, [{ type: 'retry', afterMs }]];
}

function tick(state: LiveState, now: number): Step {
  if (state.link !== 'live') return [state, []];
  if (now - state.lastFrameAt > SILENCE_MS) return [state, [{ type: 'close', code: 4000 }]];
  let next = state;
  const effects: Effect[] = [];
  for (const topic of Object.values(state.topics)) {
    if (topic.behindSince === null || now - topic.behindSince <= LAG_MS) continue;
    const [after, sent] = resubscribe(next, topic);
    next = after;
    effects.push(...sent);
  }
  if (!next.renewing && next.expiresAt > 0 && next.expiresAt - now < RENEW_BEFORE_MS) {
    next = { ...next, renewing: true };
    effects.push({ type: 'renew' });
  }
  return [next, effects];
}

function received(state: LiveState, frame: ServerFrame, now: number): Step {
  switch (frame.t) {
    case 'welcome':
      return welcomed(state, Date.parse(frame.expires_at));
    case 'auth_ok':
      return [{ ...state, expiresAt: Date.parse(frame.expires_at) || 0, renewing: false }, []];
    case 'ping':
      return pinged(state, frame.n, frame.heads ?? {}, now);
    case 'notice':
      return [{ ...state, reconnectAfterMs: frame.reconnect_after_ms ?? null }, []];
    case 'unsub_ok':
    case 'error':
      return [state, []];
    case 'sub_ok':
    case 'sub_err':
    case 'snap':
    case 'delta':
    case 'gap':
    case 'end':
      return aboutTopic(state, frame, now);
    default:
      return [state, []];
  }
}

function welcomed(state: LiveState, expiresAt: number): Step {
  let next: LiveState = { ...state, link: 'live', attempt: 0, staleSince: null, expiresAt: expiresAt || 0, renewing: false, nextSid: 1 };
  const effects: Effect[] = [];
  for (const topic of Object.values(state.topics)) {
    const [after, sent] = subscribe(next, topic);
    next = after;
    effects.push(...sent);
  }
  return [next, effects];
}

function pinged(state: LiveState, n: number, heads: Record<string, number>, now: number): Step {
  let next = state;
  for (const topic of Object.values(state.topics)) {
    const head = heads[String(topic.sid)];
    const behind = topic.phase === 'live' && head !== undefined && topic.since !== null && head > topic.since.seq;
    if (behind && topic.behindSince === null) next = put(next, { ...topic, behindSince: now });
    if (!behind && topic.behindSince !== null) next = put(next, { ...topic, behindSince: null });
  }
  return [next, [{ type: 'send', frame: { t: 'pong', n } }]];
}

type TopicFrame = Extract<ServerFrame, { t: 'sub_ok' | 'sub_err' | 'snap' | 'delta' | 'gap' | 'end' }>;

function aboutTopic(state: LiveState, frame: TopicFrame, now: number): Step {
  const topic = Object.values(state.topics).find((candidate) => candidate.sid === frame.sid);
  if (!topic) return [state, []];
  switch (frame.t) {
    case 'sub_ok':
      return [put(state, accepted(topic, frame)), []];
    case 'sub_err':
      return [put(state, { ...topic, phase: 'refused', code: frame.code }), []];
    case 'end':
      return [put(state, { ...topic, phase: 'ended', code: frame.code }), []];
    case 'snap':
      return snapshot(state, topic, frame, now);
    case 'delta':
      return delta(state, topic, frame, now);
    case 'gap':
      return gap(state, topic, frame, now);
  }
}

function accepted(topic: Topic, frame: Extract<ServerFrame, { t: 'sub_ok' }>): Topic {
  if (frame.mode === 'snapshot') return { ...topic, phase: 'snapshot', parts: [], since: { epoch: frame.epoch, seq: frame.seq } };
  const seq = topic.since?.seq ?? frame.seq;
  return { ...topic, phase: 'live', since: { epoch: frame.epoch, seq } };
}

function snapshot(state: LiveState, topic: Topic, frame: Extract<ServerFrame, { t: 'snap' }>, now: number): Step {
  if (topic.since === null || topic.phase === 'ended' || topic.phase === 'refused') return [state, []];
  const parts = [...topic.parts, frame.data];
  if (frame.more) return [put(state, { ...topic, parts }), []];
  const data = wholeOf(parts);
  const since = { epoch: topic.since.epoch, seq: frame.seq };
  const next: Topic = { ...topic, phase: 'live', parts: [], since, rows: data.rows ?? {}, changedAt: now, behindSince: null };
  return [put(state, next), [{ type: 'data', topic: topic.name, change: 'snapshot', data }]];
}

function wholeOf(parts: TopicData[]): TopicData {
  const whole: TopicData = {};
  for (const part of parts) {
    if (part.rows) whole.rows = { ...whole.rows, ...part.rows };
    if (part.series) whole.series = { ...whole.series, ...part.series };
    if (part.items) whole.items = [...(whole.items ?? []), ...part.items];
    if (part.lines) whole.lines = [...(whole.lines ?? []), ...part.lines];
    if (part.stride !== undefined) whole.stride = part.stride;
  }
  return whole;
}

function delta(state: LiveState, topic: Topic, frame: Extract<ServerFrame, { t: 'delta' }>, now: number): Step {
  if (topic.phase !== 'live' || topic.since === null) return [state, []];
  if (frame.seq <= topic.since.seq) return [state, []];
  if (frame.from !== topic.since.seq + 1) return resubscribe(state, topic);
  const rows = mergeRows(topic.rows, frame.data);
  const next: Topic = { ...topic, rows, since: { ...topic.since, seq: frame.seq }, changedAt: now, behindSince: null };
  return [put(state, next), [{ type: 'data', topic: topic.name, change: 'delta', data: frame.data }]];
}

function gap(state: LiveState, topic: Topic, frame: Extract<ServerFrame, { t: 'gap' }>, now: number): Step {
  if (topic.since === null || frame.next <= topic.since.seq + 1) return [state, []];
  const next: Topic = { ...topic, phase: 'live', since: { ...topic.since, seq: frame.next - 1 }, changedAt: now };
  return [put(state, next), [{ type: 'data', topic: topic.name, change: 'gap', data: {} }]];
}
