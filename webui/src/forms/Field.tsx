/** The frame of one field: label, input, help, range, default and errors. */
import type { ReactNode } from 'react';

import { violationText } from '../api/problem';
import { Rich } from '../components/Rich';
import { useText } from '../i18n';
import { useFieldText, useForm } from './FormContext';
import { errorsAt, fieldId } from './pointers';
import type { FieldNode } from './schema';

interface FieldProps {
  pointer: string;
  node: FieldNode;
  value: unknown;
  /** Range and default, already in words. */
  hint?: string | undefined;
  children: (ids: { id: string; describedBy: string; invalid: boolean }) => ReactNode;
}

/** Shows a field around its input. */
export function Field({ pointer, node, value, hint, children }: FieldProps) {
  const text = useText();
  const fieldText = useFieldText();
  const { errors } = useForm();
  const { label, help } = fieldText(pointer, node.help);
  const id = fieldId(pointer);
  const mine = errorsAt(errors, pointer, node.kind === 'list');
  const changed = node.fallback !== undefined && JSON.stringify(node.fallback) !== JSON.stringify(value);
  const describedBy = [help ? `${id}-help` : '', hint ? `${id}-hint` : '', mine.length > 0 ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div className={`field${mine.length > 0 ? ' field-bad' : ''}`}>
      <label htmlFor={id}>
        {label}
        {changed && <span className="dot" title={text.form.changedFrom(shortValue(node.fallback))} aria-hidden="true" />}
      </label>
      {children({ id, describedBy, invalid: mine.length > 0 })}
      {mine.length > 0 && (
        <ul className="field-errors" id={`${id}-error`}>
          {mine.map((error) => (
            <li key={error.pointer + error.code + error.detail}>{violationText(text, error)}</li>
          ))}
        </ul>
      )}
      {help && <p className="hint" id={`${id}-help`}><Rich words={help} /></p>}
      {hint && <p className="hint num" id={`${id}-hint`}><Rich words={hint} /></p>}
    </div>
  );
}

function shortValue(value: unknown): string {
  if (value === null) return '—';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
