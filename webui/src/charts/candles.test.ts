/** What reaches the price chart is ordered, distinct and finite. */
import { describe, expect, it } from 'vitest';

import { candles, prices, volumes } from './candles';

const BARS = {
  stride: 1,
  kind: 'bars' as const,
  instrument: 'BTC',
  instruments: ['BTC'],
  times_ms: [1000, 2000, 2000, 1500, 3000],
  open: [1, 2, 9, 9, 3],
  high: [1, 2, 9, 9, 3],
  low: [1, 2, 9, 9, 3],
  close: [1, 2, 9, 9, Number.NaN],
  volume: [5, 6, 7, 8, 9],
  bid: null,
  ask: null,
  spread: null,
};

describe('bars for the chart', () => {
  it('leave out what goes back, repeats or is not finite', () => {
    expect(candles(BARS).map((bar) => bar.time)).toEqual([1, 2]);
    expect(volumes(BARS, '#000').map((bar) => bar.value)).toEqual([5, 6, 9]);
    expect(prices([1000, 1000, 2000], [1, 2, 3]).map((point) => point.value)).toEqual([1, 3]);
  });

  it('have no volume where the source had none', () => {
    expect(volumes({ ...BARS, volume: null }, '#000')).toEqual([]);
  });
});
