/** One of a few values. */
import { NativeSelect } from '../components/NativeSelect';
import { Field } from './Field';
import { useFieldText, useForm } from './FormContext';
import type { ChoiceNode } from './schema';

interface ChoiceFieldProps {
  pointer: string;
  node: ChoiceNode;
  value: unknown;
}

/** Shows the choices and explains the chosen one. */
export function ChoiceField({ pointer, node, value }: ChoiceFieldProps) {
  const fieldText = useFieldText();
  const { set, readOnly } = useForm();
  const chosen = node.choices.find((choice) => choice.value === value);
  const chosenHelp = chosen && fieldText(pointer, chosen.help, chosen.value).help;
  return (
    <Field pointer={pointer} node={node} value={value} hint={chosenHelp}>
      {({ id, describedBy, invalid }) => (
        <NativeSelect
          id={id}
          value={typeof value === 'string' ? value : ''}
          disabled={readOnly}
          invalid={invalid}
          describedBy={describedBy}
          options={node.choices.map((choice) => ({ value: choice.value, label: fieldText(pointer, choice.help, choice.value).label }))}
          onChange={(next) => set(pointer, next)}
        />
      )}
    </Field>
  );
}
