/** Values and errors by JSON pointer. */
import { describe, expect, it } from 'vitest';

import { below, differences, errorsAt, fieldId, keysOf, withValue } from './pointers';

describe('pointers', () => {
  it('escape and unescape', () => {
    expect(below('/a', 'b/c~d')).toBe('/a/b~1c~0d');
    expect(keysOf('/a/b~1c~0d')).toEqual(['a', 'b/c~d']);
    expect(fieldId('/agent/gamma')).toBe('field-agent-gamma');
  });

  it('change one value and leave the rest as it is', () => {
    const before = { a: { b: [1, 2] }, c: 3 };
    const after = withValue(before, '/a/b/1', 9) as typeof before;
    expect(after).toEqual({ a: { b: [1, 9] }, c: 3 });
    expect(before.a.b[1]).toBe(2);
  });

  it('find errors at a field and at its items', () => {
    const errors = ['/a', '/a/0', '/ab', '/b'].map((pointer) => ({ pointer, code: 'x', detail: '', params: {} }));
    expect(errorsAt(errors, '/a').map((error) => error.pointer)).toEqual(['/a']);
    expect(errorsAt(errors, '/a', true).map((error) => error.pointer)).toEqual(['/a', '/a/0']);
  });

  it('count differing leaves', () => {
    expect(differences({ a: 1, b: { c: [1] } }, { a: 2, b: { c: [2] } })).toBe(2);
    expect(differences({ a: 1 }, { a: 1 })).toBe(0);
  });
});
