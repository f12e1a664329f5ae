/** Figures as people read them. */
import { describe, expect, it } from 'vitest';

import { en } from '../i18n/en';
import { bytes, duration, interval, moment, number, percent, shortId, signedPercent } from './format';
import { metricText } from './metrics';

describe('figures', () => {
  it.each([[0, '0'], [0.00001234, '1.23e-5'], [0.12345678, '0.1235'], [1234.567, '1,234.57'], [-0, '0'], [-0.25, '−0.25'], [123456.7, '123,457'], [Number.NaN, 'NaN']])('%d reads %s', (value, words) => {
    expect(number(value)).toBe(words);
  });

  it('signs are written, not only coloured', () => {
    expect(signedPercent(0.1234)).toBe('+12.34\u00a0%');
    expect(signedPercent(-0.1)).toBe('−10.00\u00a0%');
    expect(percent(0)).toBe('0.00\u00a0%');
  });

  it('what is not defined never reads as a number', () => {
    expect(metricText('sharpe', null, en)).toBe('not defined');
    expect(metricText('loss', Number.NaN, en)).toBe('not defined');
    expect(metricText('total_return', undefined, en)).toBe('not defined');
  });

  it('sizes, spans, intervals, days', () => {
    expect(bytes(512 * 1024 * 1024)).toBe('512 MiB');
    expect(duration(125, en)).toBe('2 min 5 s');
    expect(interval(86_400)).toBe('1d');
    expect(interval(300)).toBe('5m');
    expect(moment('2024-01-01T00:00:00Z')).toBe('2024-01-01');
    expect(shortId('ses_0123456789abcdef')).toBe('ses…abcdef');
  });
});
