/** What the engine says about data is said in Chinese too: the list is held against the engine's sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { en } from './en';
import { translator } from './sentences';
import { saidInChinese } from './zhSaid';
import { zhSentences } from './zhSentences';

const MARKET = resolve(__dirname, '../../../engine/core/src/market');
const DATA = resolve(__dirname, '../../../actors/runtime/src/data');
const folder = (path: string): string[] => readdirSync(path).filter((name) => name.endsWith('.rs')).map((name) => `${path}/${name}`);

/** Sentences of a source: text of more than one word outside of tests, comments and attributes; what varies becomes `{}`. */
function sentencesOf(path: string): string[] {
  const source = readFileSync(path, 'utf8').split('#[cfg(test)]')[0] ?? '';
  const code = source.replace(/^\s*\/\/.*$/gm, '').replace(/#\[expect\([\s\S]*?\)\]/g, '').replace(/b?'(\\.|[^'\\])'/g, "''");
  const texts = [...code.matchAll(/"((?:\\[\s\S]|[^"\\])*)"/g)].map((found) => (found[1] ?? '').replace(/\\\n\s*/g, '').replaceAll('\\"', '"').replace(/\{[^{}]*\}/g, '{}'));
  return texts.filter((text) => text.trim().includes(' ') && /[a-z]{2}/.test(text));
}

/** Not said on pages: names of formats, forms of words, parts of the log. */
const ELSEWHERE = new Set(['{} {}', '{} s', 'a file in bytes', 'reference table', ', line {}', ", column '{}'", ': wanted {}; found {}. {}.']);
/** Names of formats begin with a capital, and have texts of their own; a split's faults are those of a form. */
const isElsewhere = (path: string, text: string): boolean => ELSEWHERE.has(text) || path.endsWith('/split.rs') || (path.endsWith('/dialect.rs') && /^[A-Z]/.test(text));

describe('sentences of the engine', () => {
  const sources = [MARKET, `${MARKET}/quality`, `${MARKET}/parse`, `${MARKET}/parse/depth`, `${MARKET}/resample`].flatMap(folder);
  it.each([...sources, `${DATA}/steps.rs`, `${DATA}/file.rs`])('%s has all of its sentences in Chinese', (path) => {
    const missing = sentencesOf(path).filter((text) => !(text in zhSentences) && !isElsewhere(path, text));
    expect(missing).toEqual([]);
  });

  it('use every part and no other, and are Chinese', () => {
    for (const [english, chinese] of Object.entries(zhSentences)) {
      const parts = english.split('{}').length - 1;
      for (const [, index] of chinese.matchAll(/\{(\d)\}/g)) expect(Number(index), english).toBeLessThan(parts);
      expect(chinese, english).toMatch(/[\u4e00-\u9fff]|^\{0\}/);
    }
  });

  it('carry their figures along', () => {
    expect(saidInChinese('3 gaps against the usual step of 1 d; the longest is 5 d after 2020-01-01T00:00:00Z')).toBe('相对通常间隔 1 d 有 3 处缺口；最长为 5 d，在 2020-01-01T00:00:00Z 之后');
    expect(saidInChinese('2 instruments, among them A: 7 bars with high = low')).toBe('2 个标的，其中 A：7 根 K 线最高价等于最低价');
    expect(saidInChinese('last close carried forward up to 5 times, on the calendar UsEquities; 3 bars filled, 0 times dropped')).toBe('沿用前一收盘价，连续最多 5 次，按日历 美国股市；补全 3 根 K 线，舍去 0 个时间');
    expect(saidInChinese('2021-10-31T02:30:00, which happens twice there: it is 2021-10-31T00:30:00Z or 2021-10-31T01:30:00Z')).toContain('此时间出现两次');
    expect(saidInChinese('something new')).toBe('something new');
    expect(en.said('something')).toBe('something');
  });

  it('take the closest pattern, whatever their order', () => {
    const say = translator({ '{}: {}': '{0}：{1}', 'A: {}': '甲：{0}' }, {});
    expect(say('A: 7')).toBe('甲：7');
    expect(say('B: A: 7')).toBe('B：甲：7');
  });
});
