/** Every test of a verdict gives its reason in both languages, with its figures. */
import { describe, expect, it } from 'vitest';

import type { EvaluationCheck } from '../../api/types';
import { en } from '../../i18n/en';
import { zh } from '../../i18n/zh';
import { reasonText } from './reasons';

const check = (code: string, params: Record<string, unknown>, outcome: EvaluationCheck['outcome'] = 'failed'): EvaluationCheck => ({ code: code as EvaluationCheck['code'], outcome, required: true, params, detail: 'the engine says' });

const CASES: [string, Record<string, unknown>, string[]][] = [
  ['dsr', { wanted: 0.95, found: 0.614, trials: 50 }, ['95.0', '61.4', '50']],
  ['psr', { wanted: 0.95, found: 0.5 }, ['95.0', '50.0']],
  ['pbo', { wanted: 0.2, found: 0.44 }, ['20.0', '44.0']],
  ['random', { wanted: 0.95, found: 0.7 }, ['95.0', '70.0']],
  ['costs', { multiplier: 2, found: -0.1 }, ['2', '−10.00']],
  ['interval_sharpe', { low: -0.25, high: 2.5 }, ['−0.25', '2.5']],
  ['track_record', { wanted: 1199.2, found: 500 }, ['1,200', '500']],
  ['baselines', { baseline: 'buy_and_hold', wanted: 0.2, found: 0.1 }, ['+20.00', '+10.00']],
  ['spa', { wanted: 0.05, found: 0.31, candidates: 4, baseline: 'buy_and_hold' }, ['0.05', '0.31', '4']],
  ['folds', { count: 6, found: 3 }, ['6', '3']],
  ['seeds', { count: 10, low: -0.02 }, ['10', '−2.00']],
];

describe('the reason of a test', () => {
  it.each(CASES)('%s is said in both languages with its figures', (code, params, figures) => {
    const [english, chinese] = [reasonText(check(code, params), en), reasonText(check(code, params), zh)];
    expect(english).toMatch(/^Wanted/);
    expect(chinese).toMatch(/^要求/);
    for (const figure of figures) {
      expect(english).toContain(figure);
      expect(chinese).toContain(figure);
    }
  });

  it('names every test whose reason it can say', () => {
    for (const [code] of CASES) {
      expect(en.evaluation.checks).toHaveProperty(code);
      expect(zh.evaluation.checks).toHaveProperty(code);
    }
  });

  it('calls undefined what is null', () => {
    expect(reasonText(check('dsr', { wanted: 0.95, found: null, trials: 0 }), en)).toContain('not defined');
  });

  it('is the engine’s own where code or parameters are not known, and where the future was seen', () => {
    expect(reasonText(check('brand_new', {}), en)).toBe('the engine says');
    expect(reasonText(check('dsr', {}), en)).toBe('the engine says');
    expect(reasonText(check('track_record', { wanted: null, found: 3 }), en)).toBe('the engine says');
    expect(reasonText(check('causality', { cuts: 16 }), en)).toBe('the engine says');
    expect(reasonText(check('causality', { cuts: 16 }, 'passed'), en)).toContain('16');
  });
});
