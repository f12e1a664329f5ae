/** Which column holds what, with the file's first rows to judge by. */
import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import type { Preview } from './preview';

interface MappingFieldsProps {
  preview: Preview;
  mapping: Record<string, string>;
  onChange: (mapping: Record<string, string>) => void;
}

const PARTS = ['time', 'open', 'high', 'low', 'close', 'adjusted_close', 'volume', 'instrument_column'] as const;

/** Shows a select for each part; `automatic` leaves it to the node. */
export function MappingFields({ preview, mapping, onChange }: MappingFieldsProps) {
  const text = useText();
  const options = [{ value: '', label: text.data.automatic }, ...preview.header.filter((name) => name !== '').map((name) => ({ value: name, label: name }))];
  return (
    <fieldset className="subgroup">
      <legend>{text.data.mapping}</legend>
      <p className="group-help">{text.data.mappingHelp}</p>
      <div className="fields fields-narrow">
        {PARTS.map((part) => (
          <div key={part} className="cell field">
            <label htmlFor={`map-${part}`}>{text.data.mapNames[part]}</label>
            <NativeSelect id={`map-${part}`} value={mapping[part] ?? ''} options={options} onChange={(value) => onChange({ ...mapping, [part]: value })} />
          </div>
        ))}
      </div>
      <p className="hint">{text.data.preview}</p>
      <div className="table-scroll" tabIndex={0} role="region" aria-label={text.data.preview}>
        <table className="plain-table">
          <thead><tr>{preview.header.map((name, index) => <th key={index} scope="col">{name || '—'}</th>)}</tr></thead>
          <tbody>{preview.rows.map((row, index) => <tr key={index}>{row.map((cell, column) => <td key={column}>{cell}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </fieldset>
  );
}
