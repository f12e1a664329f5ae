/** The six axes are those of the engine, named in both languages, and can be read without the drawing. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fireEvent, render, screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import type { PrudexMeasure, PrudexStudy } from '../../api/types';
import { en } from '../../i18n/en';
import { zh } from '../../i18n/zh';
import { AXES, measureRows } from './prudex';
import { PrudexCard } from './PrudexCard';

const engine = (path: string): string => readFileSync(resolve(__dirname, '../../../../engine/core/src', path), 'utf8');
const snake = (name: string): string => name.replace(/(?!^)[A-Z]/g, (each) => `_${each}`).toLowerCase();
const MEASURES = [...engine('evaluation/prudex/mod.rs').matchAll(/^ {4}\w+ "(\w+)" (\w+) ".*";$/gm)].map(([, name, axis]) => ({ name: name ?? '', axis: snake(axis ?? '') }));
const LACKS = /pub enum MeasureLacks \{([^}]*)\}/.exec(engine('session/evaluation/report.rs'))?.[1]?.match(/^ {4}[A-Z]\w+/gm)?.map((each) => snake(each.trim())) ?? [];

const measures = MEASURES.map(({ name, axis }, place) => ({
  measure: name, axis, raw: place === 0 ? 0.125 : null, score: place === 0 ? 61.5 : null, lacks: place === 0 ? null : 'undefined',
})) as PrudexMeasure[];
const study: PrudexStudy = {
  axes: { profitability: 61.5, risk_control: null, universality: 40, diversity: null, reliability: 70, explainability: null },
  measures,
  pride_star: { total_return: null, sharpe: null, calmar: null, sortino: null, volatility: null, max_drawdown: null, entropy: null, effective_bets: null },
  period: 'day',
  period_count: 250,
  compass: { entries: [] },
};

describe('the six axes', () => {
  it('and their measures have names in both languages, and every reason has words', () => {
    expect(MEASURES).toHaveLength(16);
    expect(LACKS.length).toBeGreaterThan(7);
    for (const { prudex } of [en.evaluation, zh.evaluation]) {
      expect(Object.keys(prudex.measures).sort()).toEqual(MEASURES.map((each) => each.name).sort());
      expect(Object.keys(prudex.lacks).sort()).toEqual([...LACKS].sort());
      expect(Object.keys(prudex.axes)).toEqual(AXES);
    }
  });

  it('keep every measure, in the order of the axes', () => {
    const rows = measureRows([...measures].reverse());
    expect(rows).toHaveLength(16);
    expect([...new Set(rows.map((row) => row.axis))]).toEqual(AXES.slice(0, 5));
  });

  it('are told in words beside the drawing and as tables', () => {
    render(<PrudexCard prudex={study} />);
    expect(screen.getByRole('img', { name: /Profitability 61.5, Risk control not defined/ })).toBeTruthy();
    const table = screen.getByRole('table', { name: 'Measures of the six axes' });
    expect(within(table).getAllByRole('row')).toHaveLength(17);
    expect(within(table).getByText('0.125')).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name: 'Table: Six axes (PRUDEX)' }));
    expect(within(screen.getByRole('table', { name: 'Six axes (PRUDEX)' })).getAllByRole('row')).toHaveLength(7);
  });
});
