/** The lines of an order book's chart. Pure. */
import type { BarsView } from '../api/types';
import type { Dictionary } from '../i18n/en';
import type { Line } from './LinesChart';

/** Whether bins are of an order book. */
export function isBook(bars: BarsView): boolean {
  return Array.isArray(bars.bid) && Array.isArray(bars.ask);
}

/** Midpoint between best bid and best ask; a bin without one of the two stays empty. */
export function bookLines(bars: BarsView, text: Dictionary): Line[] {
  return [
    { label: text.datasets.middle, colour: 'curve-1', values: bars.close, main: true },
    { label: text.datasets.bid, colour: 'curve-4', values: bars.bid ?? [], main: false },
    { label: text.datasets.ask, colour: 'curve-2', values: bars.ask ?? [], main: false },
  ];
}

/** The spread; empty where the source knows none. */
export function spreadLines(bars: BarsView, text: Dictionary): Line[] {
  return bars.spread ? [{ label: text.datasets.spread, colour: 'curve-1', values: bars.spread, main: true }] : [];
}
