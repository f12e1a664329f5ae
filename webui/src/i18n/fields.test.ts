/** Every field that a form may draw is named in both languages: the walk follows the gateway's own schemas. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

import { below } from '../forms/pointers';
import { type FieldNode, type JsonSchema, readSchema } from '../forms/schema';
import { enFields } from './enFields';
import { type FieldTexts, textOf } from './fields';
import { zhFields } from './zhFields';

interface Drawn {
  pointer: string;
  choice?: string;
  help: string | undefined;
}

const document = readFileSync(resolve(__dirname, '../../../gateway/api/openapi.json'), 'utf8').replaceAll('#/components/schemas/', '#/$defs/');
const $defs = (JSON.parse(document) as { components: { schemas: Record<string, JsonSchema> } }).components.schemas;

/** Everything of `node` that a reader sees by name. */
function drawn(node: FieldNode, pointer: string): Drawn[] {
  const self: Drawn[] = pointer === '' || pointer.endsWith('/*') ? [] : [{ pointer, help: node.help }];
  const inside = (fields: [string, FieldNode][]) => fields.flatMap(([name, field]) => drawn(field, below(pointer, name)));
  switch (node.kind) {
    case 'object':
      return [...self, ...inside(node.fields)];
    case 'variants': {
      const tag = below(pointer, node.tag);
      const named = node.variants.length > 1 ? node.variants.map((each) => ({ pointer: tag, choice: each.value, help: each.help })) : [];
      return [...self, ...(named.length > 0 ? [{ pointer: tag, help: 'told by its choices' }] : []), ...named, ...node.variants.flatMap((each) => inside(each.fields))];
    }
    case 'items':
      return [...self, ...drawn(node.item, `${pointer}/*`)];
    case 'choice':
      return [...self, ...node.choices.map((each) => ({ pointer, choice: each.value, help: each.help }))];
    case 'number':
    case 'list':
    case 'text':
    case 'flag':
    case 'other':
      return self;
  }
}

/** The settings of a schema; one per kind of session, as the start page draws them. */
function settings(name: string): Drawn[] {
  const schema = $defs[name];
  if (!schema) throw new Error(`the gateway describes no ${name}`);
  const branches = schema.oneOf ?? [schema];
  return branches.flatMap((branch) => {
    const { kind: _kind, ...properties } = branch.properties ?? {};
    return drawn(readSchema({ ...branch, properties, $defs }), '');
  });
}

const all = [...settings('StrategyConfig'), ...settings('SessionConfig')];
const nameOf = (each: Drawn): string => (each.choice === undefined ? each.pointer : `${each.pointer}=${each.choice}`);
const without = (missing: (each: Drawn) => boolean): string[] => [...new Set(all.filter(missing).map(nameOf))].sort();

describe('the fields of every form', () => {
  it('are found in the gateway’s schemas', () => {
    const names = new Set(all.map(nameOf));
    for (const name of ['/features/list/*/name=rsi', '/environment/task=portfolio', '/agent/epsilon/start', '/epochs']) expect(names).toContain(name);
    expect(names.size).toBeGreaterThan(120);
  });

  it('are explained in English, by the dictionary or by the schema', () => {
    expect(without((each) => !each.help && textOf(enFields, each.pointer, each.choice)?.help === undefined)).toEqual([]);
  });

  it('are named in Chinese', () => {
    expect(without((each) => !/[\u4e00-\u9fff]|^[A-Z]/.test(textOf(zhFields, each.pointer, each.choice)?.label ?? ''))).toEqual([]);
  });

  it.each([['English', enFields], ['Chinese', zhFields]] as [string, FieldTexts][])('have no empty text in %s', (_, texts) => {
    for (const [key, words] of Object.entries(texts)) {
      expect(words.label.trim(), key).not.toBe('');
      expect(words.help?.trim(), key).not.toBe('');
    }
  });

  it('are all of kinds that an input is made for', () => {
    const others: string[] = [];
    const walk = (node: FieldNode, pointer: string): void => {
      if (node.kind === 'other') others.push(pointer);
      if (node.kind === 'object') node.fields.forEach(([name, field]) => walk(field, below(pointer, name)));
      if (node.kind === 'items') walk(node.item, `${pointer}/*`);
      if (node.kind === 'variants') node.variants.forEach((each) => each.fields.forEach(([name, field]) => walk(field, below(pointer, name))));
    };
    for (const name of ['StrategyConfig', 'SessionConfig']) walk(readSchema({ ...$defs[name], $defs }), '');
    expect(others).toEqual([]);
  });
});

describe('the text of a field', () => {
  const texts: FieldTexts = { '/a/window': { label: 'exact' }, '/list/*/window': { label: 'of a list' }, '~/method/window': { label: 'nearer end' }, '~/window': { label: 'end' } };
  it.each([
    ['/a/window', 'exact'],
    ['/list/12/window', 'of a list'],
    ['/agent/method/window', 'nearer end'],
    ['/agent/rule/window', 'end'],
    ['/window', 'end'],
    ['/agent/other', undefined],
  ])('at %s is %s', (pointer, label) => {
    expect(textOf(texts, pointer)?.label).toBe(label);
  });
});
