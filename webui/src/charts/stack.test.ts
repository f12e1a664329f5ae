/** Weights become layers that add up. */
import { describe, expect, it } from 'vitest';

import { en } from '../i18n/en';
import { layerColour, layersOf, stackable } from './stack';

const COURSE = { names: ['cash', 'AAPL', 'KO', 'others'], rows: [[1, 0, 0, 0], [0.25, 0.5, 0.125, 0.125]] };

describe('layers of weights', () => {
  it('stand on each other in the order of the columns', () => {
    const layers = layersOf(COURSE, en);
    expect(layers.map((layer) => layer.name)).toEqual(['Cash', 'AAPL', 'KO', 'All others']);
    expect(layers.map((layer) => layer.top)).toEqual([[1, 0.25], [1, 0.75], [1, 0.875], [1, 1]]);
    expect(layers.map((layer) => layer.values[1])).toEqual([0.25, 0.5, 0.125, 0.125]);
  });

  it('have colours of their own', () => {
    for (const count of [1, 2, 3, 8, 16]) expect(new Set(Array.from({ length: count }, (_, index) => layerColour(index, count))).size).toBe(count);
  });

  it('survive rows that are too short', () => {
    expect(layersOf({ names: ['cash', 'A'], rows: [[0.4]] }, en).map((layer) => layer.top)).toEqual([[0.4], [0.4]]);
  });

  it('need shares that are not negative', () => {
    expect(stackable(COURSE)).toBe(true);
    expect(stackable({ names: ['cash', 'A'], rows: [[1.5, -0.5]] })).toBe(false);
    expect(stackable({ names: ['cash', 'A'], rows: [[1, -1e-9]] })).toBe(true);
  });
});
