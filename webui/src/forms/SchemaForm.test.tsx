/** The form shows labels, errors at the fields, and hands back what was typed. */
import { fireEvent, render, screen } from '@testing-library/react';
import { describe, expect, it } from 'vitest';

import { readSchema } from './schema';
import { SchemaForm } from './SchemaForm';

const NODE = readSchema({
  type: 'object',
  properties: {
    learning_rate: { type: 'number', minimum: 0, maximum: 1, default: 0.001, description: 'Step size.' },
    hidden: { type: 'array', items: { type: 'integer' }, default: [64] },
    mode: { oneOf: [{ type: 'string', const: 'fast' }, { type: 'string', const: 'slow' }], default: 'fast' },
    limit: { type: ['number', 'null'], default: null },
  },
});

function show(errors: { pointer: string; code: string; detail: string; params: Record<string, unknown> }[] = []) {
  const changes: unknown[] = [];
  render(<SchemaForm node={NODE} value={{ learning_rate: 0.001, hidden: [64], mode: 'fast', limit: null }} errors={errors} onChange={(value) => changes.push(value)} />);
  return changes;
}

describe('the form', () => {
  it('labels every input', () => {
    show();
    for (const label of ['Learning rate', 'Hidden', 'Mode', 'Limit']) expect(screen.getByLabelText(label)).toBeTruthy();
  });

  it('hands back numbers as numbers, nonsense as it was typed, emptiness as null', () => {
    const changes = show();
    fireEvent.change(screen.getByLabelText('Learning rate'), { target: { value: '1e-4' } });
    fireEvent.change(screen.getByLabelText('Learning rate'), { target: { value: 'abc' } });
    fireEvent.change(screen.getByLabelText('Hidden'), { target: { value: '32, 16' } });
    fireEvent.change(screen.getByLabelText('Limit'), { target: { value: '5' } });
    fireEvent.change(screen.getByLabelText('Limit'), { target: { value: '' } });
    expect(changes).toMatchObject([{ learning_rate: 1e-4 }, { learning_rate: 'abc' }, { hidden: [32, 16] }, { limit: 5 }, { limit: null }]);
  });

  it('shows an error at its field and marks the input', () => {
    show([{ pointer: '/learning_rate', code: 'out_of_range', params: { min: 0, max: 1 }, detail: 'x' }]);
    const input = screen.getByLabelText('Learning rate');
    expect(input.getAttribute('aria-invalid')).toBe('true');
    expect(input.getAttribute('aria-describedby')).toContain('field-learning_rate-error');
    expect(screen.getByText('Must lie between 0 and 1.')).toBeTruthy();
  });
});
