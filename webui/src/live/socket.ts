/** The socket behind the reducer: opens, sends, closes, repeats. Every decision is the reducer's. */
import { create } from 'zustand';

import { streamTicket } from '../api/platform';
import { ApiError } from '../api/problem';
import { useLogin } from '../api/session';
import { readFrame, type TopicData } from './frames';
import { type Effect, IDLE, type LiveEvent, type LiveState, reduce } from './reducer';

const CLIENT = 'webui/0.1.0';
const TICK_MS = 1000;
const PAINT_MS = 200;

/** What components see: the reducer's state, at most five times a second. */
export const useLive = create<LiveState>(() => IDLE);

export type Sink = (change: 'snapshot' | 'delta' | 'gap', data: TopicData) => void;

const sinks = new Map<string, Set<Sink>>();
let state: LiveState = IDLE;
let socket: WebSocket | null = null;
let paintTimer: ReturnType<typeof setTimeout> | null = null;
let retryTimer: ReturnType<typeof setTimeout> | null = null;
let running = false;

function dispatch(event: LiveEvent): void {
  const before = state.link;
  const [next, effects] = reduce(state, event);
  state = next;
  if (state.link !== before) paint();
  else paintTimer ??= setTimeout(paint, PAINT_MS);
  for (const effect of effects) perform(effect);
}

function paint(): void {
  if (paintTimer !== null) clearTimeout(paintTimer);
  paintTimer = null;
  if (useLive.getState() !== state) useLive.setState(state, true);
}

function perform(effect: Effect): void {
  switch (effect.type) {
    case 'send':
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(effect.frame));
      return;
    case 'close':
      drop();
      return;
    case 'retry':
      if (running) retryTimer = setTimeout(() => void open(), effect.afterMs);
      return;
    case 'renew':
      void renew();
      return;
    case 'data':
      for (const sink of sinks.get(effect.topic) ?? []) sink(effect.change, effect.data);
  }
}

function lost(): void {
  socket = null;
  dispatch({ type: 'closed', now: Date.now(), jitter: Math.random() });
}

/** Forgets a socket that may never say that it has closed. */
function drop(): void {
  const old = socket;
  if (!old) return;
  old.onclose = null;
  old.onmessage = null;
  old.close();
  lost();
}

async function ticket(): Promise<string | null> {
  try {
    return await streamTicket();
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}

async function renew(): Promise<void> {
  const fresh = await ticket();
  if (fresh && socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ t: 'auth', ticket: fresh }));
}

async function open(): Promise<void> {
  retryTimer = null;
  dispatch({ type: 'connecting' });
  const pass = await ticket();
  if (!running) return;
  if (pass === null) return lost();
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const opened = new WebSocket(`${scheme}://${location.host}/ws/v1`, 'tm.v1');
  socket = opened;
  opened.onopen = () => opened.send(JSON.stringify({ t: 'hello', v: 1, ticket: pass, client: CLIENT }));
  opened.onclose = lost;
  opened.onmessage = (event: MessageEvent<unknown>) => {
    const frame = typeof event.data === 'string' ? readFrame(event.data) : null;
    if (frame) dispatch({ type: 'frame', frame, now: Date.now() });
  };
}

/** Starts the stream while somebody is logged in; returns how to end it. */
export function startStream(): () => void {
  if (!running && useLogin.getState().phase === 'in') {
    running = true;
    void open();
  }
  const beat = setInterval(() => dispatch({ type: 'tick', now: Date.now() }), TICK_MS);
  return () => {
    clearInterval(beat);
    running = false;
    if (retryTimer !== null) clearTimeout(retryTimer);
    if (socket) {
      socket.onclose = null;
      socket.close(1000);
    }
    socket = null;
    state = { ...IDLE, topics: Object.fromEntries(Object.entries(state.topics).map(([name, topic]) => [name, { ...topic, sid: 0, phase: 'waiting', since: null, rows: {} }])) };
    paint();
  };
}

/** Subscribes to a topic until the returned function is called. */
export function followTopic(topic: string, sink?: Sink): () => void {
  if (sink) sinks.set(topic, (sinks.get(topic) ?? new Set()).add(sink));
  dispatch({ type: 'want', topic, now: Date.now() });
  return () => {
    if (sink) sinks.get(topic)?.delete(sink);
    dispatch({ type: 'unwant', topic });
  };
}
