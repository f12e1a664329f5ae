/** Which column holds what, with the file's first rows to judge by. */
import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import { CellsTable } from './CellsTable';
import type { Preview } from './preview';
import { partsOf } from './reading';

interface MappingFieldsProps {
  preview: Preview;
  kind: string;
  mapping: Record<string, string>;
  onChange: (mapping: Record<string, string>) => void;
}

/** Shows a select for each part; `automatic` leaves it to the node. */
export function MappingFields({ preview, kind, mapping, onChange }: MappingFieldsProps) {
  const text = useText();
  const names: Record<string, string> = { ...text.data.mapNames, ...text.datasets.inspect.mapNames };
  const options = [{ value: '', label: text.data.automatic }, ...preview.header.filter((name) => name !== '').map((name) => ({ value: name, label: name }))];
  return (
    <fieldset className="subgroup">
      <legend>{text.data.mapping}</legend>
      <p className="group-help">{text.data.mappingHelp}</p>
      <div className="fields fields-narrow">
        {partsOf(kind).map((part) => (
          <div key={part} className="cell field">
            <label htmlFor={`map-${part}`}>{names[part] ?? part}</label>
            <NativeSelect id={`map-${part}`} value={mapping[part] ?? ''} options={options} onChange={(value) => onChange({ ...mapping, [part]: value })} />
          </div>
        ))}
      </div>
      <p className="hint">{text.data.preview}</p>
      <CellsTable label={text.data.preview} columns={preview.header} rows={preview.rows} />
    </fieldset>
  );
}
