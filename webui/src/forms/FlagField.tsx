/** A yes-or-no setting. */
import { Switch } from 'antd';

import { useText } from '../i18n';
import { Field } from './Field';
import { useForm } from './FormContext';
import type { FlagNode } from './schema';

interface FlagFieldProps {
  pointer: string;
  node: FlagNode;
  value: unknown;
}

/** Shows a switch with its state in words. */
export function FlagField({ pointer, node, value }: FlagFieldProps) {
  const text = useText();
  const { set, readOnly } = useForm();
  const on = value === true;
  return (
    <Field pointer={pointer} node={node} value={value}>
      {({ id, describedBy }) => (
        <span className="flag">
          <Switch id={id} checked={on} disabled={readOnly} aria-describedby={describedBy} onChange={(next) => set(pointer, next)} />
          <span aria-hidden="true">{on ? text.common.yes : text.common.no}</span>
        </span>
      )}
    </Field>
  );
}
