/** A starting point for a labelling. */
import type { Config } from '../../api/strategies';
import { NativeSelect } from '../../components/NativeSelect';
import type { FieldNode } from '../../forms/schema';
import { useText } from '../../i18n';
import { type PresetName, presetOf, PRESETS, withPreset } from './presets';

/** Shows the presets; the one whose values are there is chosen. */
export function PresetField({ node, config, onChange }: { node: FieldNode; config: Config; onChange: (config: Config) => void }) {
  const text = useText();
  const names = Object.keys(PRESETS) as PresetName[];
  const current = presetOf(config);
  const options = [...(current === null ? [{ value: '', label: text.labelling.presetNone }] : []), ...names.map((value) => ({ value, label: text.labelling.presets[value] }))];
  const choose = (value: string) => {
    const name = names.find((each) => each === value);
    if (name) onChange(withPreset(node, config, name));
  };
  return (
    <div className="field preset">
      <label htmlFor="labelling-preset">{text.labelling.preset}</label>
      <NativeSelect id="labelling-preset" describedBy="labelling-preset-help" value={current ?? ''} options={options} onChange={choose} />
      <p className="hint" id="labelling-preset-help">{text.labelling.presetHelp}</p>
    </div>
  );
}
