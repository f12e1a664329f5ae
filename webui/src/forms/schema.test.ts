/** Schemas as the gateway sends them become nodes. */
import { describe, expect, it } from 'vitest';

import { checkTree, typed, typedList } from './numbers';
import { defaultOf, type JsonSchema, readSchema } from './schema';

const SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    agent: { description: 'Who decides.', $ref: '#/$defs/Agent' },
    fill: { $ref: '#/$defs/Fill', default: 'next_open' },
    limit: { type: ['number', 'null'], minimum: 0, default: null },
    other: { anyOf: [{ $ref: '#/$defs/Fill' }, { type: 'null' }] },
    short: { type: 'boolean', default: false },
  },
  $defs: {
    Agent: {
      oneOf: [
        { description: 'Learns.', type: 'object', properties: { algorithm: { type: 'string', const: 'dqn' } }, $ref: '#/$defs/Dqn', required: ['algorithm'] },
        { type: 'object', properties: { algorithm: { type: 'string', const: 'random' } }, required: ['algorithm'] },
      ],
    },
    Dqn: {
      type: 'object',
      properties: {
        hidden: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 4096 }, default: [64, 32] },
        gamma: { type: 'number', minimum: 0, maximum: 1, default: 0.9 },
        epsilon: { $ref: '#/$defs/Epsilon', default: { start: 1 } },
      },
    },
    Epsilon: { type: 'object', properties: { start: { type: 'number', minimum: 0, maximum: 1, default: 1 } } },
    Fill: { oneOf: [{ type: 'string', const: 'next_open', description: 'Next.' }, { type: 'string', const: 'same_close' }] },
  },
};

describe('a schema', () => {
  const node = readSchema(SCHEMA);
  const fields = node.kind === 'object' ? Object.fromEntries(node.fields) : {};

  it('gives one node per kind of setting', () => {
    expect(Object.fromEntries(Object.entries(fields).map(([name, each]) => [name, each.kind]))).toEqual({
      agent: 'variants', fill: 'choice', limit: 'number', other: 'choice', short: 'flag',
    });
    expect(fields['other']?.nullable).toBe(true);
    expect(fields['limit']).toMatchObject({ nullable: true, min: 0 });
  });

  it('joins a variant’s own properties with those it refers to, without the tag', () => {
    const agent = fields['agent'];
    if (agent?.kind !== 'variants') throw new Error('not variants');
    expect(agent.tag).toBe('algorithm');
    expect(agent.variants.map((variant) => [variant.value, variant.fields.map(([name]) => name)])).toEqual([
      ['dqn', ['hidden', 'gamma', 'epsilon']],
      ['random', []],
    ]);
  });

  it('knows the defaults', () => {
    expect(defaultOf(node)).toEqual({
      agent: { algorithm: 'dqn', hidden: [64, 32], gamma: 0.9, epsilon: { start: 1 } },
      fill: 'next_open', limit: null, other: null, short: false,
    });
  });

  it('sees wrong numbers at their pointers', () => {
    const value = { agent: { algorithm: 'dqn', hidden: [64, 1.5, 'x'], gamma: 1.2, epsilon: { start: -1 } }, limit: null };
    expect(checkTree(node, value).map((error) => [error.pointer, error.code])).toEqual([
      ['/agent/hidden/1', 'not_an_integer'],
      ['/agent/hidden/2', 'not_a_number'],
      ['/agent/gamma', 'out_of_range'],
      ['/agent/epsilon/start', 'out_of_range'],
    ]);
  });
});

describe('typed numbers', () => {
  it.each([['1e-4', 1e-4], [' 12 ', 12], ['.5', 0.5], ['−3', -3], ['', ''], ['1,5', '1,5'], ['NaN', 'NaN'], ['Infinity', 'Infinity'], ['0x10', '0x10']])('%j is read as %j', (text, value) => {
    expect(typed(text)).toBe(value);
  });

  it('lists are split at commas and blanks', () => {
    expect(typedList('64, 32 16;8,')).toEqual([64, 32, 16, 8]);
    expect(typedList('64, x')).toEqual([64, 'x']);
  });
});
