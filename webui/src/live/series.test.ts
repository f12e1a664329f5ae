/** Curves in typed arrays. */
import { describe, expect, it } from 'vitest';

import { SeriesSet } from './series';

const part = (from: number, count: number, at?: number) => {
  const x = Array.from({ length: count }, (_, index) => from + index);
  return { ...(at === undefined ? {} : { at }), x, min: x, max: x, last: x, n: x.map(() => 1) };
};

describe('a set of curves', () => {
  it('grows beyond its first capacity without losing a point', () => {
    const set = new SeriesSet();
    set.apply('snapshot', { stride: 1, series: { loss: part(0, 10) } });
    for (let at = 10; at < 1000; at += 10) set.apply('delta', { series: { loss: part(at, 10, at) } });
    const curve = set.curves.get('loss');
    expect(curve?.length).toBe(1000);
    expect(Array.from(curve?.last.subarray(0, 1000) ?? [])).toEqual(part(0, 1000).last);
    expect(curve?.pointCount()).toBe(1000);
  });

  it('overwrites from the index a delta names', () => {
    const set = new SeriesSet();
    set.apply('snapshot', { series: { loss: part(0, 5) } });
    set.apply('delta', { series: { loss: part(100, 2, 4) } });
    expect(Array.from(set.curves.get('loss')?.x.subarray(0, 6) ?? [])).toEqual([0, 1, 2, 3, 100, 101]);
  });

  it('keeps what is not defined apart from zero', () => {
    const set = new SeriesSet();
    set.apply('snapshot', { series: { sharpe: { x: [1], min: [null], max: [null], last: [null], n: [1] } } });
    expect(set.curves.get('sharpe')?.last[0]).toBeNaN();
  });

  it('forgets old curves when a new snapshot comes, and tells its listeners', () => {
    const set = new SeriesSet();
    let heard = 0;
    const stop = set.subscribe(() => {
      heard += 1;
    });
    set.apply('snapshot', { series: { loss: part(0, 2) } });
    set.apply('snapshot', { stride: 4, series: { epsilon: part(0, 1) } });
    stop();
    set.apply('delta', {});
    expect([...set.curves.keys()]).toEqual(['epsilon']);
    expect(set.stride).toBe(4);
    expect(heard).toBe(2);
  });
});
