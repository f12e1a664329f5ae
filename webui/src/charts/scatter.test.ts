/** Nothing is lost between the splits and what is drawn of them. */
import { describe, expect, it } from 'vitest';

import { axisEnds, histogram } from './scatter';

describe('a histogram of logits', () => {
  it('counts every value once and keeps the signs apart', () => {
    const bins = histogram([-2, -1, -0.5, 0, 0.1, 1, 2], 4);
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(7);
    expect(bins.every((bin) => bin.to <= 1e-12 || bin.from >= -1e-12)).toBe(true);
    // 0 counts below: it is a rank at the median.
    expect(bins.filter((bin) => bin.to <= 1e-12).reduce((sum, bin) => sum + bin.count, 0)).toBe(4);
  });

  it('survives one value, equal values and none', () => {
    expect(histogram([], 10)).toEqual([]);
    expect(histogram([Number.NaN], 10)).toEqual([]);
    expect(histogram([1, 1, 1], 10).reduce((sum, bin) => sum + bin.count, 0)).toBe(3);
    expect(histogram([0], 10).reduce((sum, bin) => sum + bin.count, 0)).toBe(1);
  });
});

describe('the ends of an axis', () => {
  it('hold all values and 0', () => {
    const [low, high] = axisEnds([0.5, 2]);
    expect([low < 0, high > 2]).toEqual([true, true]);
    expect(axisEnds([])).toEqual([-0.06, 0.06]);
  });
});
