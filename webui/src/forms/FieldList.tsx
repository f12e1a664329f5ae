/** Several fields of one object; nested objects get a frame of their own. */
import { Rich } from '../components/Rich';
import { placeOf } from '../i18n/fieldOrder';
import { useFieldText, useForm } from './FormContext';
import { fieldFor } from './fieldFor';
import { OptionalField } from './OptionalField';
import { below, fieldId } from './pointers';
import type { FieldNode } from './schema';

interface FieldListProps {
  pointer: string;
  fields: [string, FieldNode][];
  value: Record<string, unknown>;
}

/** Shows fields in reading order. */
export function FieldList({ pointer, fields, value }: FieldListProps) {
  const fieldText = useFieldText();
  const { hidden } = useForm();
  const ordered = [...fields].sort(([left], [right]) => placeOf(below(pointer, left)) - placeOf(below(pointer, right)));
  return (
    <>
      {ordered.map(([name, node]) => {
        const at = below(pointer, name);
        if (hidden.has(at)) return null;
        const framed = node.kind === 'object' || node.kind === 'variants' || node.kind === 'items';
        const field = framed && node.nullable ? <OptionalField pointer={at} node={node} value={value[name]} /> : fieldFor(at, node, value[name]);
        if (!framed) return <div key={at} className="cell">{field}</div>;
        const { label, help } = fieldText(at, node.help);
        return (
          <fieldset key={at} id={node.kind === 'items' ? undefined : fieldId(at)} className={pointer === '' ? 'group' : 'subgroup'}>
            <legend>{label}</legend>
            {help && <p className="group-help"><Rich words={help} /></p>}
            <div className="fields">{field}</div>
          </fieldset>
        );
      })}
    </>
  );
}
