/** Every word of the gateway's closed lists that pages show has a text in both languages. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { type Dictionary, en } from './en';
import { zh } from './zh';

interface Listed {
  enum?: string[];
  oneOf?: { const: string }[];
}

const { schemas } = (JSON.parse(readFileSync(resolve(__dirname, '../../../gateway/api/openapi.json'), 'utf8')) as { components: { schemas: Record<string, Listed> } }).components;

const LISTS: [string, (text: Dictionary) => Record<string, unknown>][] = [
  ['SessionKind', (text) => text.sessions.kinds],
  ['SessionKind', (text) => text.sessions.kindHelp],
  ['SessionKind', (text) => text.start.titles],
  ['SessionState', (text) => text.sessions.states],
  ['DataKind', (text) => text.datasets.kinds],
  ['Dialect', (text) => text.datasets.reading.dialects],
  ['Check', (text) => text.datasets.quality.codes],
  ['Severity', (text) => text.datasets.quality.severities],
  ['Certainty', (text) => text.datasets.inspect.certainty],
  ['Segment', (text) => text.report.segments],
  ['Truth', (text) => text.report.truths],
];

describe('words of the gateway', () => {
  it.each(LISTS)('%s is said in both languages', (name, texts) => {
    const schema = schemas[name];
    const words = schema?.enum ?? schema?.oneOf?.map((each) => each.const) ?? [];
    expect(words.length, `the gateway lists no ${name}`).toBeGreaterThan(1);
    for (const text of [en, zh] as Dictionary[]) expect(words.filter((word) => !(word in texts(text)))).toEqual([]);
  });
});
