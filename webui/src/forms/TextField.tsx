/** A text; identifiers get the input that the page offers for them. */
import { Input } from 'antd';

import { Field } from './Field';
import { useForm } from './FormContext';
import type { TextNode } from './schema';

interface TextFieldProps {
  pointer: string;
  node: TextNode;
  value: unknown;
}

/** Shows a text field. */
export function TextField({ pointer, node, value }: TextFieldProps) {
  const { set, readOnly, inputs } = useForm();
  const custom = Object.entries(inputs).find(([start]) => node.pattern?.startsWith(start))?.[1];
  const current = typeof value === 'string' ? value : '';
  return (
    <Field pointer={pointer} node={node} value={value}>
      {({ id, describedBy, invalid }) =>
        custom ? (
          custom({ id, value: current, node, describedBy, onChange: (next) => set(pointer, next) })
        ) : (
          <Input
            id={id}
            value={current}
            readOnly={readOnly}
            status={invalid ? 'error' : ''}
            aria-invalid={invalid}
            aria-describedby={describedBy}
            onChange={(event) => set(pointer, event.target.value === '' && node.nullable ? null : event.target.value)}
          />
        )
      }
    </Field>
  );
}
