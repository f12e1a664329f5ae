/** How a file is read, where the node should not find it out, and what is done to it. */
import { Input } from 'antd';
import { useMemo } from 'react';

import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import { CLOCK_CHANGES, DIALECTS, KINDS, type Reading, SEPARATORS, zoneNames } from './reading';
import { StepFields } from './StepFields';

interface ReadingFieldsProps {
  reading: Reading;
  onChange: (reading: Reading) => void;
}

type TextKey = Exclude<keyof Reading, 'lookAhead'>;

/** Shows the choices in two groups, closed until they are wanted. */
export function ReadingFields({ reading, onChange }: ReadingFieldsProps) {
  const text = useText();
  const words = text.datasets.reading;
  const zones = useMemo(zoneNames, []);
  const set = (key: TextKey) => (value: string) => onChange({ ...reading, [key]: value });
  const choice = (key: TextKey, label: string, options: { value: string; label: string }[], none = words.automatic) => (
    <div className="cell field">
      <label htmlFor={`read-${key}`}>{label}</label>
      <NativeSelect id={`read-${key}`} value={reading[key]} options={[{ value: '', label: none }, ...options]} onChange={set(key)} />
    </div>
  );
  const dialects = DIALECTS.map((value) => ({ value, label: words.dialects[value] }));
  return (
    <>
      <details className="more">
        <summary>{words.title}</summary>
        <p className="group-help">{words.help}</p>
        <div className="fields">
          {choice('dialect', words.dialect, dialects)}
          {choice('kind', words.kind, KINDS.map((value) => ({ value, label: text.datasets.kinds[value] })))}
          <div className="cell field">
            <label htmlFor="read-timezone">{words.timezone}</label>
            <Input id="read-timezone" list="time-zones" value={reading.timezone} autoComplete="off" placeholder="UTC" aria-describedby="read-timezone-help" onChange={(event) => set('timezone')(event.target.value)} />
            <datalist id="time-zones">{zones.map((name) => <option key={name} value={name} />)}</datalist>
            <p className="hint" id="read-timezone-help">{words.timezoneHelp}</p>
          </div>
          {reading.timezone.trim() !== '' && choice('clock_change', words.clockChange, CLOCK_CHANGES.map((value) => ({ value, label: words.clockChanges[value] })), words.clockChanges.none)}
          {choice('separator', words.separator, SEPARATORS.map((value) => ({ value, label: words.separators[value] })))}
        </div>
      </details>
      <details className="more">
        <summary>{words.steps}</summary>
        <p className="group-help">{words.stepsHelp}</p>
        <StepFields reading={reading} onChange={onChange} />
      </details>
    </>
  );
}
