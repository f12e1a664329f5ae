/** A number or, where the schema allows it, nothing. */
import { Input } from 'antd';
import { useEffect, useState } from 'react';

import { useText } from '../i18n';
import { Field } from './Field';
import { useForm } from './FormContext';
import { shown, typed } from './numbers';
import { rangeHint } from './rangeHint';
import type { NumberNode } from './schema';

interface NumberFieldProps {
  pointer: string;
  node: NumberNode;
  value: unknown;
}

/** Shows a number as text, so that `1e-4` can be typed and what is no number is seen to be wrong. */
export function NumberField({ pointer, node, value }: NumberFieldProps) {
  const text = useText();
  const { set, readOnly } = useForm();
  const [draft, setDraft] = useState(shown(value));
  useEffect(() => {
    setDraft((before) => (typed(before) === value || (before === '' && value === null) ? before : shown(value)));
  }, [value]);
  const change = (next: string) => {
    setDraft(next);
    set(pointer, next.trim() === '' && node.nullable ? null : typed(next));
  };
  return (
    <Field pointer={pointer} node={node} value={value} hint={rangeHint(node, text)}>
      {({ id, describedBy, invalid }) => (
        <Input
          id={id}
          className="num"
          value={draft}
          inputMode={node.integer ? 'numeric' : 'decimal'}
          placeholder={node.nullable ? text.form.unset : undefined}
          readOnly={readOnly}
          status={invalid ? 'error' : ''}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Field>
  );
}
