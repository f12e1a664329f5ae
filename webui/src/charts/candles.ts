/** Bars and trades for the price chart: ordered, distinct, in seconds, without what is not finite. */
import type { CandlestickData, HistogramData, LineData, UTCTimestamp } from 'lightweight-charts';

import type { BarsView } from '../api/types';

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
