/** Recorded frames of `tm.v1` and a player that feeds them to the reducer. */
import type { ServerFrame } from '../live/frames';
import { type Effect, IDLE, type LiveEvent, type LiveState, reduce } from '../live/reducer';

export const NOW = 1_700_000_000_000;

export const WELCOME: ServerFrame = { t: 'welcome', epoch: 'g7', expires_at: new Date(NOW + 600_000).toISOString() };

/** A connection that can be played with. */
export class Player {
  state: LiveState = IDLE;
  effects: Effect[] = [];
  now = NOW;

  do(event: LiveEvent): this {
    const [state, effects] = reduce(this.state, event);
    this.state = state;
    this.effects.push(...effects);
    return this;
  }

  frames(...frames: ServerFrame[]): this {
    for (const frame of frames) this.do({ type: 'frame', frame, now: this.now });
    return this;
  }

  want(topic: string): this {
    return this.do({ type: 'want', topic, now: this.now });
  }

  /** What was sent to the server since the last call. */
  sent(): unknown[] {
    const sent = this.effects.flatMap((effect) => (effect.type === 'send' ? [effect.frame] : []));
    this.effects = [];
    return sent;
  }
}

/** A session topic as the server sends it: subscription, snapshot, three deltas. */
export const RECORDED: ServerFrame[] = [
  { t: 'sub_ok', sid: 1, epoch: 'g7', seq: 41, mode: 'snapshot' },
  { t: 'snap', sid: 1, seq: 41, more: false, data: { rows: { state: 'running', progress: 0.42 } } },
  { t: 'delta', sid: 1, from: 42, seq: 44, data: { set: { progress: 0.43 }, del: [] } },
  { t: 'delta', sid: 1, from: 45, seq: 45, data: { set: { progress: 0.5, node: 'n-1' }, del: [] } },
  { t: 'delta', sid: 1, from: 46, seq: 47, data: { set: { state: 'completed' }, del: ['node'] } },
];

/** What the recorded topic ends in. */
export const RECORDED_END = { state: 'completed', progress: 0.5 };
