/** Reports of quality are counted, ordered and named. */
import { describe, expect, it } from 'vitest';

import type { QualityFinding, Severity } from '../../api/types';
import { en } from '../../i18n/en';
import { zh } from '../../i18n/zh';
import { findingName, instrumentText, kindName, ordered, tally } from './quality';

const finding = (code: string, severity: Severity): QualityFinding => ({ code, severity, count: 1, detail: '', examples: [], instruments: [] });
const FOUND = [finding('gaps', 'info'), finding('duplicates', 'danger'), finding('jumps', 'warning'), finding('volume', 'info')];

describe('findings', () => {
  it('are counted by severity', () => {
    expect(tally(FOUND)).toEqual({ info: 2, warning: 1, danger: 1 });
    expect(tally([])).toEqual({ info: 0, warning: 0, danger: 0 });
  });

  it('come gravest first and otherwise in their order', () => {
    expect(ordered(FOUND).map((each) => each.code)).toEqual(['duplicates', 'jumps', 'gaps', 'volume']);
  });

  it('have names in both languages, unknown ones their own', () => {
    expect(findingName('calendar_gaps', en)).toBe('Missing trading days');
    expect(findingName('calendar_gaps', zh)).toBe('缺少交易日');
    expect(findingName('some_new_check', en)).toBe('some new check');
  });
});

describe('a data set in words', () => {
  it('names one instrument and counts several', () => {
    expect(instrumentText({ instrument: 'BTC-USD' }, en)).toBe('BTC-USD');
    expect(instrumentText({ instrument: 'BTC-USD', instrument_count: 1 }, en)).toBe('BTC-USD');
    expect(instrumentText({ instrument: '29 instruments', instrument_count: 29 }, zh)).toBe('29 个标的');
  });

  it('names its kind', () => {
    expect(kindName('book', en)).toBe('Order book');
    expect(kindName('other', en)).toBe('other');
  });
});
