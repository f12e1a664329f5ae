/** A list of entries is built, ordered and emptied from the keyboard alone, and every step is said. */
import { fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { describe, expect, it } from 'vitest';

import { defaultOf, readSchema } from './schema';
import { SchemaForm } from './SchemaForm';

const NODE = readSchema({
  type: 'object',
  properties: {
    features: {
      type: 'object',
      properties: {
        list: {
          type: 'array', maxItems: 3, default: [], items: {
            oneOf: [
              { type: 'object', description: 'A mean.', properties: { name: { const: 'sma' }, window: { type: 'integer', minimum: 1, default: 20 } } },
              { type: 'object', properties: { name: { const: 'macd' }, fast: { type: 'integer', default: 12 }, slow: { type: 'integer', default: 26 } } },
            ],
          },
        },
      },
    },
    regimes: { anyOf: [{ type: 'object', properties: { count: { type: 'integer', default: 3 }, secret: { type: 'string', default: 'x', 'x-file-only': true } } }, { type: 'null' }], default: null },
    names: { type: 'array', items: { type: 'string' }, minItems: 1, default: ['a'] },
  },
});

let shown: Record<string, unknown> = {};

function Harness({ errors = [] }: { errors?: { pointer: string; code: string; detail: string; params: Record<string, unknown> }[] }) {
  const [value, setValue] = useState(defaultOf(NODE) as Record<string, unknown>);
  shown = value;
  return <SchemaForm node={NODE} value={value} errors={errors} onChange={setValue} />;
}

const list = () => (shown['features'] as { list?: unknown[] }).list;
const press = (name: RegExp | string) => fireEvent.click(screen.getByRole('button', { name }));
const addTo = (group: string) => fireEvent.click(document.getElementById(`field-${group}-add`) as HTMLElement);

describe('a list of entries', () => {
  it('takes entries of the chosen kind with their defaults, up to its limit', () => {
    render(<Harness />);
    addTo('features-list');
    fireEvent.change(screen.getByLabelText('What to add: List of features'), { target: { value: 'macd' } });
    addTo('features-list');
    addTo('features-list');
    expect(list()).toEqual([{ name: 'sma', window: 20 }, { name: 'macd', fast: 12, slow: 26 }, { name: 'macd', fast: 12, slow: 26 }]);
    expect((document.getElementById('field-features-list-add') as HTMLButtonElement).disabled).toBe(true);
  });

  it('moves an entry, keeps the focus on it and says so', () => {
    render(<Harness />);
    addTo('features-list');
    fireEvent.change(screen.getByLabelText('What to add: List of features'), { target: { value: 'macd' } });
    addTo('features-list');
    press('Move up: 2, MACD');
    expect(list()).toEqual([{ name: 'macd', fast: 12, slow: 26 }, { name: 'sma', window: 20 }]);
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Move down: 1, MACD');
    expect(screen.getByText('MACD moved to place 1 of 2')).toBeTruthy();
  });

  it('changes a field of one entry, and its kind', () => {
    render(<Harness />);
    addTo('features-list');
    fireEvent.change(screen.getByLabelText('Window'), { target: { value: '50' } });
    expect(list()).toEqual([{ name: 'sma', window: 50 }]);
    fireEvent.change(screen.getByLabelText('Feature'), { target: { value: 'macd' } });
    expect(list()).toEqual([{ name: 'macd', fast: 12, slow: 26 }]);
  });

  it('is not written at all once it is empty again', () => {
    render(<Harness />);
    addTo('features-list');
    press(/^Remove: 1, Simple/);
    expect(list()).toBeUndefined();
    expect(document.activeElement?.id).toBe('field-features-list-add');
  });

  it('keeps as many entries as it needs', () => {
    render(<Harness />);
    expect((screen.getByRole('button', { name: 'Remove: 1, Names' }) as HTMLButtonElement).disabled).toBe(true);
    addTo('names');
    expect(shown['names']).toEqual(['a', '']);
  });
});

describe('an optional part', () => {
  it('is switched on with its defaults and off again', () => {
    render(<Harness />);
    fireEvent.click(screen.getByRole('switch', { name: 'Regimes' }));
    expect(shown['regimes']).toEqual({ count: 3 });
    fireEvent.click(screen.getByRole('switch', { name: 'Regimes' }));
    expect(shown['regimes']).toBeNull();
  });
});
