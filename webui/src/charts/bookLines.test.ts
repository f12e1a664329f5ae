/** Books are drawn as prices and spread, everything else as candles. */
import { describe, expect, it } from 'vitest';

import type { BarsView } from '../api/types';
import { en } from '../i18n/en';
import { bookLines, isBook, spreadLines } from './bookLines';

const BARS: BarsView = { stride: 1, times_ms: [1, 2], open: [1, 2], high: [1, 2], low: [1, 2], close: [1.5, 2.5], volume: null };
const BOOK: BarsView = { ...BARS, kind: 'book', bid: [1, 2], ask: [2, 3], spread: [1, 1] };

describe('lines of a book', () => {
  it('are midpoint, bid and ask, the midpoint first', () => {
    expect(bookLines(BOOK, en).map((line) => [line.label, line.values, line.main])).toEqual([['Midpoint', [1.5, 2.5], true], ['Best bid', [1, 2], false], ['Best ask', [2, 3], false]]);
  });

  it('have a chart of their own for the spread, where it is known', () => {
    expect(spreadLines(BOOK, en).map((line) => line.values)).toEqual([[1, 1]]);
    expect(spreadLines({ ...BOOK, spread: null }, en)).toEqual([]);
  });

  it('are drawn for books only', () => {
    expect(isBook(BOOK)).toBe(true);
    expect(isBook(BARS)).toBe(false);
    expect(isBook({ ...BARS, bid: null, ask: null })).toBe(false);
  });
});
