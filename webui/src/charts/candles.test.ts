/** What reaches the price chart is ordered, distinct and finite. */
import { describe, expect, it } from 'vitest';

import { candles, prices, several, traded, volumes } from './candles';

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

describe('trades of several instruments', () => {
  const trade = (time_ms: number, side: string, price: number, quantity: number, instrument: string | null = 'A') => ({ time_ms, side, price, quantity, instrument });

  it('are summed by time, bought above 0 and sold below', () => {
    const bars = traded([trade(2000, 'buy', 10, 2), trade(1000, 'sell', 5, 1), trade(2000, 'buy', 1, 3), trade(2000, 'sell', 4, 1), trade(3000, 'buy', Number.NaN, 1)], '#0a0', '#a00');
    expect(bars.bought).toEqual([{ time: 2, value: 23, color: '#0a0' }]);
    expect(bars.sold).toEqual([{ time: 1, value: -5, color: '#a00' }, { time: 2, value: -4, color: '#a00' }]);
  });

  it('are told from those of one', () => {
    expect(several([trade(1, 'buy', 1, 1), trade(2, 'buy', 1, 1)])).toBe(false);
    expect(several([trade(1, 'buy', 1, 1), trade(2, 'buy', 1, 1, 'B')])).toBe(true);
    expect(several([])).toBe(false);
  });
});
