/** The tear sheet knows every figure of the engine, in its order, with its group and unit. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { en } from '../../i18n/en';
import { zh } from '../../i18n/zh';
import { type Figure, FIGURES, figureName, figureText } from './figures';

const SOURCE = readFileSync(resolve(__dirname, '../../../../engine/core/src/metrics/figure.rs'), 'utf8');
const KNOWN = [...SOURCE.matchAll(/^\s+\w+ "(\w+)" (\w+) (\w+) ".*";$/gm)].map(([, name, group, unit]) => ({ name, group: group?.toLowerCase(), unit: unit === 'PerYear' ? 'per_year' : unit?.toLowerCase() }));
const figure = (name: string): Figure => FIGURES.find((each) => each.name === name) ?? { name, group: 'ratio', unit: 'none' };

describe('the figures of a tear sheet', () => {
  it('are those of the engine', () => {
    expect(KNOWN.length).toBeGreaterThan(70);
    expect(FIGURES).toEqual(KNOWN);
  });

  it.each(FIGURES.map((each) => each.name))('%s has a name in both languages', (name) => {
    expect(en.evaluation.figures).toHaveProperty(name);
    expect(zh.evaluation.figures).toHaveProperty(name);
  });

  it('are written in their units', () => {
    expect(figureText(figure('total_return'), 0.0512, en)).toBe('+5.12\u00a0%');
    expect(figureText(figure('max_drawdown'), 0.25, en)).toBe('25.00\u00a0%');
    expect(figureText(figure('sharpe'), -1.2345, en)).toBe('−1.235');
    expect(figureText(figure('turnover'), 12.5, en)).toBe('12.5');
    expect(figureText(figure('trade_count'), 1234, en)).toBe('1,234');
    for (const value of [null, undefined, Number.NaN]) expect(figureText(figure('sharpe'), value, en)).toBe('not defined');
  });

  it('that are new are shown by their own names', () => {
    expect(figureName('brand_new', en)).toBe('brand new');
  });
});
