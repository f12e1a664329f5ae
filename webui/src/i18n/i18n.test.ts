/** Both languages say everything, and say it differently. */
import { describe, expect, it } from 'vitest';

import { type Dictionary, en } from './en';
import { zh } from './zh';

const SAME = new Set(['product', 'sha-256']);

function leaves(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === '' ? key : `${path}.${key}`));
}

describe('the dictionaries', () => {
  it('have the same keys', () => {
    expect(leaves(zh, '').map(([path]) => path).sort()).toEqual(leaves(en, '').map(([path]) => path).sort());
  });

  it('leave nothing empty and little untranslated', () => {
    const english = new Map(leaves(en, ''));
    const same = leaves(zh, '').filter(([path, words]) => typeof words === 'string' && words === english.get(path) && /[a-z]{4}/i.test(words) && !SAME.has(path));
    expect(same.map(([path]) => path)).toEqual([]);
    for (const [path, words] of leaves(zh, '')) expect(words, path).not.toBe('');
  });

  it('name limits in both languages', () => {
    const say = (text: Dictionary) => text.violations.out_of_range({ min: 0, max: 1 });
    expect(say(en)).toBe('Must lie between 0 and 1.');
    expect(say(zh)).toBe('必须介于 0 与 1 之间。');
    expect(en.violations.out_of_range({})).toBeNull();
  });
});
