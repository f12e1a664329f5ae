/** Every reason of the scheduler has a sentence in both languages, made of the parameters that come with it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { en } from '../i18n/en';
import { zh } from '../i18n/zh';
import { reasonText } from './reasons';

const source = readFileSync(resolve(__dirname, '../../../actors/runtime/src/scheduler/reason.rs'), 'utf8');
const codes = [...source.matchAll(/Self::\w+(?: \{[^}]*\})? => "([a-z_]+)"/g)].map((found) => found[1] ?? '').filter((code) => code !== 'user' && code !== 'team');
const PARAMS: Record<string, string> = {
  dimension: 'cpu', missing: '2500', node: 'node-7', ahead: '31', scope: 'team', name: 'desk', limit: '4000', used: '3000', wanted: '2000', present: '1',
  size: '8', fitting: '3', label: 'zone', value: 'west', role: 'trade', nodes: '5', largest: '8000', left_ms: '4200', by: 'ses_9',
};

describe('reasons', () => {
  it('are known from the scheduler', () => {
    expect(codes.length).toBeGreaterThan(15);
  });

  it.each(codes)('%s is said in both languages', (code) => {
    const reason = { reason: 'FALLBACK', reason_code: code, reason_params: PARAMS };
    const [english, chinese] = [reasonText(en, reason), reasonText(zh, reason)];
    expect(english).toMatch(/[a-z]/);
    expect(chinese).toMatch(/[\u4e00-\u9fff]/);
    for (const words of [english, chinese]) expect(words).not.toMatch(/FALLBACK|undefined|null|NaN/);
  });

  it('count amounts in the unit of their dimension', () => {
    const waits = (dimension: string, missing: string) => reasonText(en, { reason: '', reason_code: 'missing', reason_params: { dimension, missing, node: 'n' } });
    expect(waits('cpu', '1000')).toBe('Waits for 1 core on n');
    expect(waits('cpu', '1230')).toBe('Waits for 1.3 cores on n');
    expect(waits('gpu', '2')).toBe('Waits for 2 GPUs on n');
    expect(waits('memory', '2048')).toBe('Waits for 2,048 MiB of memory on n');
  });

  it('fall back to the sentence that came', () => {
    expect(reasonText(zh, { reason: 'because', reason_code: 'not known yet', reason_params: {} })).toBe('because');
    expect(reasonText(en, { reason: 'because', reason_code: 'missing', reason_params: {} })).toBe('because');
    expect(reasonText(en, { reason: 'because' })).toBe('because');
  });
});
