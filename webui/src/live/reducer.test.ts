/** The protocol, by recorded frames: in order, dropped, doubled, turned round, broken off. */
import { describe, expect, it } from 'vitest';

import { Player, RECORDED, RECORDED_END, WELCOME } from '../testing/frames';
import type { ServerFrame } from './frames';
import { LAG_MS, SILENCE_MS } from './reducer';

const TOPIC = 'session/ses_1';

const live = (): Player => new Player().want(TOPIC).frames(WELCOME);
const rowsOf = (player: Player) => player.state.topics[TOPIC]?.rows;

describe('a topic', () => {
  it('is subscribed once welcomed and follows snapshot and deltas', () => {
    const player = live();
    expect(player.sent()).toEqual([{ t: 'sub', sid: 1, topic: TOPIC, params: {} }]);
    player.frames(...RECORDED);
    expect(rowsOf(player)).toEqual(RECORDED_END);
    expect(player.state.topics[TOPIC]).toMatchObject({ phase: 'live', since: { epoch: 'g7', seq: 47 } });
  });

  it('applies a snapshot in parts only after the last', () => {
    const player = live().frames(
      { t: 'sub_ok', sid: 1, epoch: 'g7', seq: 3, mode: 'snapshot' },
      { t: 'snap', sid: 1, seq: 3, more: true, data: { rows: { a: 1 } } },
    );
    expect(rowsOf(player)).toEqual({});
    player.frames({ t: 'snap', sid: 1, seq: 3, more: false, data: { rows: { b: 2 } } });
    expect(rowsOf(player)).toEqual({ a: 1, b: 2 });
  });

  it('ignores every frame that comes twice', () => {
    const player = live().frames(...RECORDED.flatMap((frame): ServerFrame[] => (frame.t === 'delta' ? [frame, frame] : [frame])));
    expect(rowsOf(player)).toEqual(RECORDED_END);
    expect(player.sent()).toHaveLength(1);
  });

  it.each([2, 3])('takes it up again from where it was when delta %i is dropped', (dropped) => {
    const player = live();
    player.sent();
    player.frames(...RECORDED.filter((_, index) => index !== dropped));
    const seq = dropped === 2 ? 41 : 44;
    expect(player.sent()).toEqual([
      { t: 'unsub', sid: 1 },
      { t: 'sub', sid: 2, topic: TOPIC, params: {}, since: { epoch: 'g7', seq } },
    ]);
    const rest = RECORDED.slice(dropped).map((frame) => ({ ...frame, sid: 2 }) as ServerFrame);
    player.frames({ t: 'sub_ok', sid: 2, epoch: 'g7', seq: 47, mode: 'resumed' }, ...rest);
    expect(rowsOf(player)).toEqual(RECORDED_END);
  });

  it('takes it up again when two deltas are turned round, and ends the same', () => {
    const turned = [0, 1, 3, 2, 4].map((index) => RECORDED[index]) as ServerFrame[];
    const player = live();
    player.sent();
    player.frames(...turned);
    expect(player.sent()).toHaveLength(2);
    player.frames(
      { t: 'sub_ok', sid: 2, epoch: 'g8', seq: 9, mode: 'snapshot' },
      { t: 'snap', sid: 2, seq: 9, more: false, data: { rows: RECORDED_END } },
    );
    expect(rowsOf(player)).toEqual(RECORDED_END);
    expect(player.state.topics[TOPIC]?.since).toEqual({ epoch: 'g8', seq: 9 });
  });

  it('ends equal whatever single frame is dropped or doubled, once the server has caught it up', () => {
    for (let at = 2; at < RECORDED.length; at += 1) {
      for (const frames of [RECORDED.filter((_, index) => index !== at), [...RECORDED.slice(0, at), ...RECORDED.slice(at - 1)]]) {
        const player = live().frames(...frames);
        const topic = player.state.topics[TOPIC];
        if (topic?.phase === 'waiting' || topic?.since?.seq !== 47) {
          const sid = topic?.sid ?? 0;
          player.frames({ t: 'sub_ok', sid, epoch: 'g7', seq: 47, mode: 'snapshot' }, { t: 'snap', sid, seq: 47, more: false, data: { rows: RECORDED_END } });
        }
        expect(rowsOf(player)).toEqual(RECORDED_END);
      }
    }
  });

  it('ignores frames of a subscription it has given up', () => {
    const player = live().frames(...RECORDED.slice(0, 2), { t: 'delta', sid: 99, from: 42, seq: 42, data: { set: { state: 'failed' } } });
    expect(rowsOf(player)).toEqual({ state: 'running', progress: 0.42 });
  });

  it('goes on after a gap at the number the gap names', () => {
    const player = live().frames(
      { t: 'sub_ok', sid: 1, epoch: 'j3', seq: 900, mode: 'snapshot' },
      { t: 'snap', sid: 1, seq: 900, more: false, data: { items: [] } },
      { t: 'gap', sid: 1, last: 900, next: 2951, reason: 'ring' },
      { t: 'delta', sid: 1, from: 2951, seq: 2951, data: { items: [{ seq: 2951 }] } },
    );
    expect(player.state.topics[TOPIC]).toMatchObject({ phase: 'live', since: { epoch: 'j3', seq: 2951 } });
    expect(player.effects.filter((effect) => effect.type === 'data').map((effect) => effect.change)).toEqual(['snapshot', 'gap', 'delta']);
  });

  it('keeps the reason when it is refused or ended', () => {
    expect(live().frames({ t: 'sub_err', sid: 1, code: 'not_found' }).state.topics[TOPIC]).toMatchObject({ phase: 'refused', code: 'not_found' });
    expect(live().frames(...RECORDED.slice(0, 2), { t: 'end', sid: 1, code: 'source_gone' }).state.topics[TOPIC]).toMatchObject({ phase: 'ended', code: 'source_gone' });
  });

  it('is shared by its users and left with the last of them', () => {
    const player = live().want(TOPIC).do({ type: 'unwant', topic: TOPIC });
    player.sent();
    expect(player.do({ type: 'unwant', topic: TOPIC }).sent()).toEqual([{ t: 'unsub', sid: 1 }]);
    expect(player.state.topics).toEqual({});
  });
});

describe('the connection', () => {
  it('answers pings and takes up a topic that stays behind the head named by one', () => {
    const player = live().frames(...RECORDED.slice(0, 2));
    player.sent();
    player.frames({ t: 'ping', n: 7, heads: { 1: 44 } });
    expect(player.sent()).toEqual([{ t: 'pong', n: 7 }]);
    player.do({ type: 'tick', now: player.now + LAG_MS });
    expect(player.sent()).toEqual([]);
    player.do({ type: 'tick', now: player.now + LAG_MS + 1 });
    expect(player.sent()).toHaveLength(2);
  });

  it('counts as dead after silence', () => {
    const player = live();
    player.effects = [];
    player.do({ type: 'tick', now: player.now + SILENCE_MS });
    expect(player.effects).toEqual([]);
    player.do({ type: 'tick', now: player.now + SILENCE_MS + 1 });
    expect(player.effects).toEqual([{ type: 'close', code: 4000 }]);
  });

  it('is stale while closed, keeps its rows, and resumes each topic from where it was', () => {
    const player = live().frames(...RECORDED.slice(0, 3));
    player.effects = [];
    player.do({ type: 'closed', now: player.now + 5000, jitter: 0 });
    expect(player.state).toMatchObject({ link: 'closed', staleSince: player.now });
    expect(player.effects).toEqual([{ type: 'retry', afterMs: 500 }]);
    expect(rowsOf(player)).toEqual({ state: 'running', progress: 0.43 });
    player.do({ type: 'connecting' }).frames(WELCOME);
    expect(player.sent()).toEqual([{ t: 'sub', sid: 1, topic: TOPIC, params: {}, since: { epoch: 'g7', seq: 44 } }]);
    expect(player.state.staleSince).toBeNull();
    player.frames({ t: 'sub_ok', sid: 1, epoch: 'g7', seq: 47, mode: 'resumed' }, ...RECORDED.slice(3));
    expect(rowsOf(player)).toEqual(RECORDED_END);
  });

  it('waits longer with every failure, between half a second and half a minute', () => {
    const player = new Player();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 10; attempt += 1) {
      player.effects = [];
      player.do({ type: 'closed', now: player.now, jitter: 0.999999 });
      const effect = player.effects[0];
      if (effect?.type === 'retry') waits.push(effect.afterMs);
    }
    expect(waits).toHaveLength(10);
    expect([...waits].sort((left, right) => left - right)).toEqual(waits);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
  });

  it('comes back when a draining node says', () => {
    const player = live().frames({ t: 'notice', reason: 'drain', reconnect_after_ms: 1500 });
    player.effects = [];
    player.do({ type: 'closed', now: player.now, jitter: 0.9 });
    expect(player.effects).toEqual([{ type: 'retry', afterMs: 1500 }]);
  });

  it('renews its login once, before it ends', () => {
    const player = live();
    player.effects = [];
    player.now += 560_000;
    player.frames({ t: 'ping', n: 1 });
    player.effects = [];
    player.do({ type: 'tick', now: player.now }).do({ type: 'tick', now: player.now });
    expect(player.effects).toEqual([{ type: 'renew' }]);
  });

  it('survives frames it does not know', () => {
    const player = live();
    const before = rowsOf(player);
    player.frames({ t: 'novelty' } as unknown as ServerFrame);
    expect(rowsOf(player)).toBe(before);
  });
});
