/** A form offers the tasks that fit and never none. */
import { describe, expect, it } from 'vitest';

import { type FieldNode, readSchema } from '../../forms/schema';
import { fitting } from './fitting';

const task = (value: string) => ({ type: 'object', properties: { task: { const: value } } });
const NODE = readSchema({ type: 'object', properties: { environment: { oneOf: [task('a'), task('b'), task('c')] }, agent: { oneOf: [task('a'), task('x')] } } });

function offered(node: FieldNode, name: string): string[] {
  const field = node.kind === 'object' ? node.fields.find(([each]) => each === name)?.[1] : undefined;
  return field?.kind === 'variants' ? field.variants.map((variant) => variant.value) : [];
}

describe('the tasks of a form', () => {
  it('are those that the algorithm fits', () => {
    const node = fitting(NODE, ['b', 'c']);
    expect(offered(node, 'environment')).toEqual(['b', 'c']);
    expect(offered(node, 'agent')).toEqual(['a', 'x']);
  });

  it('are all of them where nothing is known or nothing would be left', () => {
    expect(offered(fitting(NODE, undefined), 'environment')).toEqual(['a', 'b', 'c']);
    expect(offered(fitting(NODE, ['z']), 'environment')).toEqual(['a', 'b', 'c']);
  });
});
