/** A list of numbers, typed with commas. */
import { Input } from 'antd';
import { useEffect, useState } from 'react';

import { useText } from '../i18n';
import { Field } from './Field';
import { useForm } from './FormContext';
import { typedList } from './numbers';
import { defaultHint } from './rangeHint';
import type { ListNode } from './schema';

interface ListFieldProps {
  pointer: string;
  node: ListNode;
  value: unknown;
}

const joined = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : '');

/** Shows a list of numbers as one line. */
export function ListField({ pointer, node, value }: ListFieldProps) {
  const text = useText();
  const { set, readOnly } = useForm();
  const [draft, setDraft] = useState(joined(value));
  useEffect(() => {
    setDraft((before) => (JSON.stringify(typedList(before)) === JSON.stringify(value) ? before : joined(value)));
  }, [value]);
  const change = (next: string) => {
    setDraft(next);
    set(pointer, typedList(next));
  };
  const hint = [text.form.listHelp, defaultHint(node, text)].filter(Boolean).join(' · ');
  return (
    <Field pointer={pointer} node={node} value={value} hint={hint}>
      {({ id, describedBy, invalid }) => (
        <Input
          id={id}
          className="num"
          value={draft}
          readOnly={readOnly}
          status={invalid ? 'error' : ''}
          aria-invalid={invalid}
          aria-describedby={describedBy}
          autoComplete="off"
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Field>
  );
}
