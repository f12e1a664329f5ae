/** Bars and trades for the price chart: ordered, distinct, in seconds, without what is not finite. */
import type { CandlestickData, HistogramData, LineData, UTCTimestamp } from 'lightweight-charts';

import type { BarsView, Trade } from '../api/types';

/** What is drawn of a bar. */
type Bars = Pick<BarsView, 'times_ms' | 'open' | 'high' | 'low' | 'close' | 'volume'>;

/** The library throws on unordered or repeated times: only what moves forward is kept. */
function forward<T extends { time: UTCTimestamp }>(points: T[]): T[] {
  const kept: T[] = [];
  for (const point of points) {
    const before = kept.at(-1);
    if (Number.isFinite(point.time) && (!before || point.time > before.time)) kept.push(point);
  }
  return kept;
}

const seconds = (ms: number): UTCTimestamp => Math.floor(ms / 1000) as UTCTimestamp;

/** Candles of a data set. */
export function candles(bars: Bars): CandlestickData<UTCTimestamp>[] {
  const all = bars.times_ms.map((time, index) => ({
    time: seconds(time),
    open: bars.open[index] ?? Number.NaN,
    high: bars.high[index] ?? Number.NaN,
    low: bars.low[index] ?? Number.NaN,
    close: bars.close[index] ?? Number.NaN,
  }));
  return forward(all.filter((bar) => [bar.open, bar.high, bar.low, bar.close].every(Number.isFinite)));
}

/** Volume columns; empty where the source had none. */
export function volumes(bars: Bars, colour: string): HistogramData<UTCTimestamp>[] {
  const { volume } = bars;
  if (!volume) return [];
  return forward(bars.times_ms.map((time, index) => ({ time: seconds(time), value: volume[index] ?? 0, color: colour })));
}

/** Close prices as a line. */
export function prices(timesMs: number[], values: number[]): LineData<UTCTimestamp>[] {
  return forward(timesMs.map((time, index) => ({ time: seconds(time), value: values[index] ?? Number.NaN })).filter((point) => Number.isFinite(point.value)));
}

/** The time of a trade's marker. */
export function markerTime(ms: number): UTCTimestamp {
  return seconds(ms);
}

/** Value bought (above 0) and sold (below 0) at each time, where marks of single trades would lie upon each other. */
export function traded(trades: Pick<Trade, 'time_ms' | 'side' | 'price' | 'quantity'>[], up: string, down: string): Record<'bought' | 'sold', HistogramData<UTCTimestamp>[]> {
  const sums = { bought: new Map<number, number>(), sold: new Map<number, number>() };
  for (const trade of trades) {
    const value = trade.price * trade.quantity;
    if (!Number.isFinite(value)) continue;
    const sum = trade.side === 'buy' ? sums.bought : sums.sold;
    sum.set(trade.time_ms, (sum.get(trade.time_ms) ?? 0) + (trade.side === 'buy' ? value : -value));
  }
  const bars = (sum: Map<number, number>, color: string) =>
    forward([...sum].sort(([one], [other]) => one - other).map(([time, value]) => ({ time: seconds(time), value, color })));
  return { bought: bars(sums.bought, up), sold: bars(sums.sold, down) };
}

/** Whether trades of several instruments meet on one chart. */
export function several(trades: Pick<Trade, 'instrument'>[]): boolean {
  return new Set(trades.map((trade) => trade.instrument)).size > 1;
}
