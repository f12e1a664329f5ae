/** Every word of the gateway's closed lists that pages show has a text in both languages. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { type Dictionary, en } from './en';
import { zh } from './zh';

interface Listed {
  $ref?: string;
  enum?: string[];
  oneOf?: { const: string }[];
  properties?: Record<string, Listed>;
}

const { schemas } = (JSON.parse(readFileSync(resolve(__dirname, '../../../gateway/api/openapi.json'), 'utf8')) as { components: { schemas: Record<string, Listed> } }).components;

/** The words of a list, named by itself or by a field that takes them. */
function wordsOf(name: string): string[] {
  const [schema = '', field] = name.split('.');
  const named = field === undefined ? schemas[schema] : schemas[schema]?.properties?.[field];
  const list = named?.$ref ? schemas[named.$ref.replace('#/components/schemas/', '')] : named;
  return list?.enum ?? list?.oneOf?.map((each) => each.const) ?? [];
}

const LISTS: [string, (text: Dictionary) => Record<string, unknown>][] = [
  ['SessionKind', (text) => text.sessions.kinds],
  ['SessionKind', (text) => text.sessions.kindHelp],
  ['SessionKind', (text) => text.start.titles],
  ['SessionState', (text) => text.sessions.states],
  ['DataKind', (text) => text.datasets.kinds],
  ['Dialect', (text) => text.datasets.reading.dialects],
  ['FindingView.code', (text) => text.datasets.quality.codes],
  ['FindingView.severity', (text) => text.datasets.quality.severities],
  ['Detection.certainty', (text) => text.datasets.inspect.certainty],
  ['Segment', (text) => text.report.segments],
  ['Truth', (text) => text.report.truths],
];

describe('words of the gateway', () => {
  it.each(LISTS)('%s is said in both languages', (name, texts) => {
    const words = wordsOf(name);
    expect(words.length, `the gateway lists no ${name}`).toBeGreaterThan(1);
    for (const text of [en, zh] as Dictionary[]) expect(words.filter((word) => !(word in texts(text)))).toEqual([]);
  });
});
