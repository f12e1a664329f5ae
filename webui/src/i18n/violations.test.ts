/** Every violation code of the gateway has a sentence in both languages, made of the parameters that come with it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { enProblems, enViolations } from './enProblems';
import { zhProblems, zhViolations } from './zhProblems';

interface Described {
  components: { schemas: Record<string, { properties: Record<string, { 'x-codes'?: Record<string, string[]> }>; enum?: string[]; oneOf?: { const: string }[] }> };
}

const described = JSON.parse(readFileSync(resolve(__dirname, '../../../gateway/api/openapi.json'), 'utf8')) as Described;
const codes = Object.entries(described.components.schemas['Violation']?.properties['code']?.['x-codes'] ?? {});
const SAMPLES: Record<string, unknown> = { min: 3, max: 7, rows: 40, needed: 310, allowed: ['this', 'that'], train: 0.6, valid: 0.5, reason: 'length' };
type Sentences = Record<string, ((params: Record<string, unknown>) => string | null) | undefined>;

function sample(names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => name.split('|')).map((name) => [name, SAMPLES[name] ?? `<${name}>`]));
}

describe('violations', () => {
  it('are described by the gateway', () => {
    expect(codes.length).toBeGreaterThan(30);
  });

  it.each(codes)('%s is said in both languages', (code, names) => {
    const params = sample(names);
    const english = (enViolations as Sentences)[code]?.(params);
    const chinese = (zhViolations as Sentences)[code]?.(params);
    expect(english, `English of ${code} with ${JSON.stringify(params)}`).toMatch(/[a-z]/);
    expect(chinese, `Chinese of ${code}`).toMatch(/[\u4e00-\u9fff]/);
    for (const words of [english, chinese]) expect(words).not.toMatch(/undefined|null|\[object/);
    const shown = ['allowed', 'limit', 'rows', 'min', 'id', 'algorithm', 'trained'].filter((name) => name in params);
    for (const name of shown) {
      const value = params[name];
      const text = Array.isArray(value) ? value.join(', ') : String(value);
      expect(english).toContain(text);
      expect(chinese).toContain(text);
    }
  });

  it('have a headline for every error code', () => {
    const schema = described.components.schemas['ErrorCode'];
    const list = schema?.enum ?? schema?.oneOf?.map((branch) => branch.const) ?? [];
    expect(list.length).toBeGreaterThan(25);
    for (const code of list) {
      expect(enProblems, code).toHaveProperty(code);
      expect(zhProblems, code).toHaveProperty(code);
    }
  });
});
