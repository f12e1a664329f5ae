/** A trained session is put where the schema asks for one, whatever the field is called. */
import { describe, expect, it } from 'vitest';

import { type JsonSchema, readSchema } from '../../forms/schema';
import { withTrained } from './trained';

const ID = { type: 'string', pattern: '^ses_[0-9a-f]{32}$' };
const alternatives = (name: string, field: JsonSchema): JsonSchema => ({
  oneOf: [
    { type: 'object', properties: { source: { const: 'strategy' } } },
    { type: 'object', properties: { source: { const: 'trained' }, [name]: field, best: { type: 'boolean', default: true } } },
  ],
});

describe('a trained session in the settings', () => {
  it('is the one of the alternative that asks for it', () => {
    const node = readSchema({ type: 'object', properties: { policy: alternatives('session_id', ID), seed: { type: 'integer' } } });
    expect(withTrained(node, { policy: { source: 'strategy' }, seed: 3 }, 'ses_1')).toEqual({ policy: { source: 'trained', session_id: 'ses_1', best: true }, seed: 3 });
  });

  it('is the first of a list where several may be given', () => {
    const node = readSchema({ type: 'object', properties: { policy: alternatives('sessions', { type: 'array', items: ID, minItems: 1 }) } });
    expect(withTrained(node, {}, 'ses_1')).toEqual({ policy: { source: 'trained', sessions: ['ses_1'], best: true } });
  });

  it('may have a field of its own', () => {
    const node = readSchema({ type: 'object', properties: { sessions: { type: 'array', items: ID }, notes: { type: 'array', items: { type: 'string' } } } });
    expect(withTrained(node, { notes: [] }, 'ses_1')).toEqual({ sessions: ['ses_1'], notes: [] });
  });

  it('changes nothing where none is asked for', () => {
    expect(withTrained(readSchema({ type: 'object', properties: { seed: { type: 'integer' } } }), { seed: 1 }, 'ses_1')).toEqual({ seed: 1 });
    expect(withTrained(null, { seed: 1 }, 'ses_1')).toEqual({ seed: 1 });
  });
});
