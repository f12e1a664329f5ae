/** A part of the configuration that may be left out: a switch, and its fields where it is on. */
import { Switch } from 'antd';

import { useText } from '../i18n';
import { useFieldText, useForm } from './FormContext';
import { fieldFor } from './fieldFor';
import { fieldId } from './pointers';
import { type FieldNode, filled } from './schema';

interface OptionalFieldProps {
  pointer: string;
  node: FieldNode;
  value: unknown;
}

/** Shows the switch; what was set is forgotten when it is switched off. */
export function OptionalField({ pointer, node, value }: OptionalFieldProps) {
  const text = useText();
  const fieldText = useFieldText();
  const { set, readOnly } = useForm();
  const on = value !== null && value !== undefined;
  const id = `${fieldId(pointer)}-on`;
  return (
    <>
      <div className="field">
        <span className="flag">
          <Switch id={id} checked={on} disabled={readOnly} aria-label={fieldText(pointer, undefined).label} onChange={(next) => set(pointer, next ? filled(node) : null)} />
          <span aria-hidden="true">{on ? text.form.included : text.form.leftOut}</span>
        </span>
      </div>
      {on && fieldFor(pointer, node, value)}
    </>
  );
}
