/** A form made from a JSON schema. It knows no algorithm by name. */
import { useMemo } from 'react';

import type { Violation } from '../api/types';
import { FormContext, type FormControl, type TextInput } from './FormContext';
import { fieldFor } from './fieldFor';
import { withValue } from './pointers';
import type { FieldNode } from './schema';

interface SchemaFormProps {
  node: FieldNode;
  value: Record<string, unknown>;
  errors: Violation[];
  readOnly?: boolean;
  inputs?: Record<string, TextInput>;
  hidden?: ReadonlySet<string>;
  onChange: (value: Record<string, unknown>) => void;
}

const NO_INPUTS: Record<string, TextInput> = {};
const NOTHING_HIDDEN: ReadonlySet<string> = new Set();

/** Shows every setting of the schema with its errors. */
export function SchemaForm({ node, value, errors, readOnly = false, inputs = NO_INPUTS, hidden = NOTHING_HIDDEN, onChange }: SchemaFormProps) {
  const control = useMemo<FormControl>(
    () => ({
      errors,
      readOnly,
      inputs,
      hidden,
      set: (pointer, next) => onChange(withValue(value, pointer, next) as Record<string, unknown>),
    }),
    [errors, readOnly, inputs, hidden, value, onChange],
  );
  return (
    <FormContext value={control}>
      <div className="schema-form">{fieldFor('', node, value)}</div>
    </FormContext>
  );
}
