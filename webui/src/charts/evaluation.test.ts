/** What an evaluation draws stands where its figures say. */
import { describe, expect, it } from 'vitest';

import type { EvaluationFold } from '../api/types';
import { foldLines, heat, intervalPlaces, ladderOf, ladderPair, monthGrid } from './evaluation';

describe('an interval', () => {
  it('lies inside its axis, in order, with 0 on it', () => {
    const places = intervalPlaces(0.5, 2, 1);
    expect(places.zero).toBeCloseTo(0.06);
    expect(places.high).toBeCloseTo(0.94);
    expect(places.low).toBeLessThan(places.value ?? 0);
    expect(places.containsZero).toBe(false);
  });

  it('says when it contains 0, its ends included', () => {
    expect(intervalPlaces(-1, 1, 0.2).containsZero).toBe(true);
    expect(intervalPlaces(0, 1, 0.2).containsZero).toBe(true);
    expect(intervalPlaces(-3, -1, null)).toMatchObject({ containsZero: false, value: null });
  });

  it('survives a point', () => {
    expect(intervalPlaces(0, 0, 0)).toMatchObject({ low: 0.06, high: 0.06, zero: 0.06 });
  });
});

describe('a ladder of costs', () => {
  const rungs = [{ multiplier: 2, total_return: -0.1 }, { multiplier: 0, total_return: 0.3 }, { multiplier: 1, total_return: 0.1 }];

  it('rises in costs and marks where nothing is left', () => {
    expect(ladderOf(rungs, { kind: 'at', multiplier: 1.5 })).toEqual({ x: [0, 1, 1.5, 2], y: [0.3, 0.1, 0, -0.1], mark: [null, null, 0, null] });
  });

  it('marks a rung that is the point itself once', () => {
    expect(ladderOf([{ multiplier: 1, total_return: 0 }], { kind: 'at', multiplier: 1 })).toEqual({ x: [1], y: [0], mark: [0] });
  });

  it.each([{ kind: 'no_profit' }, { kind: 'beyond', multiplier: 1024 }, { kind: 'undefined' }, { kind: 'at', multiplier: 9 }] as const)('marks nothing for %j', (breakEven) => {
    expect(ladderOf(rungs, breakEven).mark.every((each) => each === null)).toBe(true);
  });

  it('stands beside another on one axis, each with its own points', () => {
    const first = ladderOf(rungs, { kind: 'at', multiplier: 1.5 });
    const other = ladderOf(rungs.slice(0, 2), { kind: 'no_profit' });
    expect(ladderPair(first, other)).toEqual({ ...first, other: { y: [0.3, null, null, -0.1], mark: [null, null, null, null] } });
    expect(ladderPair(first, null)).toEqual({ ...first, other: null });
  });

  it('is empty without rungs', () => {
    expect(ladderOf([], { kind: 'undefined' })).toEqual({ x: [], y: [], mark: [] });
  });
});

describe('monthly returns', () => {
  it('stand under year and month, years in order', () => {
    const grid = monthGrid([{ label: '2021-01', value: 0.1 }, { label: '2020-12', value: -0.1 }, { label: '2021-02', value: 0.1 }], [{ label: '2020', value: -0.2 }]);
    expect(grid.map((row) => row.year)).toEqual(['2020', '2021']);
    expect(grid[0]).toMatchObject({ total: -0.2 });
    expect(grid[0]?.months[11]).toBe(-0.1);
    expect(grid[1]?.total).toBeCloseTo(0.21);
    expect(grid[1]?.months.filter((value) => value !== null)).toEqual([0.1, 0.1]);
  });

  it('leave out what is no month', () => {
    expect(monthGrid([{ label: '2021-W09', value: 1 }, { label: '2021', value: 1 }, { label: '2021-13', value: 1 }], [])).toEqual([]);
  });

  it('are coloured by their share of the largest', () => {
    expect([heat(0.1, 0.2), heat(-0.2, 0.2), heat(null, 0.2), heat(0.1, 0)]).toEqual([0.5, 1, 0, 0]);
  });
});

describe('curves of folds', () => {
  const fold = (name: string, times_ms: number[], equity: number[]): EvaluationFold => ({ name, times_ms, equity, from_ms: 0, to_ms: 0, total_return: null, sharpe: null, max_drawdown: null });

  it('share one axis, keep their values and are empty elsewhere', () => {
    const { timesMs, lines } = foldLines([fold('1', [10, 20], [1, 1.1]), fold('2', [20, 30], [1, 0.5])], (each) => `fold ${each.name}`);
    expect(lines.map((line) => line.label)).toEqual(['fold 1', 'fold 2']);
    expect(timesMs).toEqual([10, 20, 30]);
    expect(lines.map((line) => line.values)).toEqual([[1, 1.1, null], [null, 1, 0.5]]);
  });

  it('leave out times without a value, and are none without folds', () => {
    expect(foldLines([fold('1', [10, 20], [1])], (each) => each.name).lines[0]?.values).toEqual([1, null]);
    expect(foldLines([], (each) => each.name)).toEqual({ timesMs: [], lines: [] });
  });
});
