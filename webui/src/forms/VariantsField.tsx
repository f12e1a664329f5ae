/** Alternatives told apart by a tag: a choice, then the fields of the chosen alternative. */
import { NativeSelect } from '../components/NativeSelect';
import { Field } from './Field';
import { FieldList } from './FieldList';
import { useFieldText, useForm } from './FormContext';
import { below } from './pointers';
import { defaultsOf, type VariantsNode } from './schema';

interface VariantsFieldProps {
  pointer: string;
  node: VariantsNode;
  value: unknown;
}

/** Shows the tag only where there is something to choose. */
export function VariantsField({ pointer, node, value }: VariantsFieldProps) {
  const fieldText = useFieldText();
  const { set, readOnly, hidden } = useForm();
  const object = (value ?? {}) as Record<string, unknown>;
  const tag = String(object[node.tag] ?? '');
  const variant = node.variants.find((each) => each.value === tag);
  const tagPointer = below(pointer, node.tag);
  const choose = (next: string) => {
    const wanted = node.variants.find((each) => each.value === next);
    if (wanted) set(pointer, { [node.tag]: next, ...defaultsOf(wanted.fields) });
  };
  const tagNode = { kind: 'choice' as const, help: undefined, fallback: undefined, nullable: false, choices: [] };
  return (
    <>
      {node.variants.length > 1 && !hidden.has(tagPointer) && (
        <Field pointer={tagPointer} node={tagNode} value={tag} hint={variant && fieldText(tagPointer, variant.help, tag).help}>
          {({ id, describedBy, invalid }) => (
            <NativeSelect
              id={id}
              value={tag}
              disabled={readOnly}
              invalid={invalid}
              describedBy={describedBy}
              options={node.variants.map((each) => ({ value: each.value, label: fieldText(tagPointer, each.help, each.value).label }))}
              onChange={choose}
            />
          )}
        </Field>
      )}
      {node.variants.length === 1 && variant && !hidden.has(tagPointer) && <p className="only-choice"><strong>{fieldText(tagPointer, variant.help, tag).label}</strong> <span className="hint">{fieldText(tagPointer, variant.help, tag).help}</span></p>}
      {variant && <FieldList pointer={pointer} fields={variant.fields} value={object} />}
    </>
  );
}
