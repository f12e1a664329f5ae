/** Scores stand on the axis that they belong to, as far out as they are high. */
import { describe, expect, it } from 'vitest';

import { outline, pathOf, place } from './hexagon';

describe('a hexagon', () => {
  it('has its first axis upwards and its fourth downwards', () => {
    expect(place(0, 6, 100)).toMatchObject({ y: -1 });
    expect(place(3, 6, 50).y).toBeCloseTo(0.5);
    expect(place(0, 6, 100).x).toBeCloseTo(0);
    expect(place(1, 6, 100).x).toBeCloseTo(Math.sqrt(3) / 2);
  });

  it('keeps scores inside its rim and puts what has none in the centre', () => {
    const points = outline([120, -5, null, 0, 25, 100]);
    expect(points.map(({ x, y }) => Math.round(100 * Math.hypot(x, y)))).toEqual([100, 0, 0, 0, 25, 100]);
  });

  it('is written as points', () => {
    expect(pathOf([{ x: 0, y: -1 }, { x: 0.5, y: 0.25 }], 100)).toBe('0.00,-100.00 50.00,25.00');
  });
});
