/** How a file is read, where the node should not find it out, and what is done to it. */
import { Checkbox, Input } from 'antd';

import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import { ADJUST, CALENDARS, fillsIn, interpolates, KINDS, MISSING, type Reading, SEPARATORS } from './reading';

interface ReadingFieldsProps {
  reading: Reading;
  onChange: (reading: Reading) => void;
}

type TextKey = Exclude<keyof Reading, 'lookAhead'>;

/** Shows the choices in two groups, closed until they are wanted. */
export function ReadingFields({ reading, onChange }: ReadingFieldsProps) {
  const text = useText();
  const words = text.datasets.reading;
  const set = (key: TextKey) => (value: string) => onChange({ ...reading, [key]: value });
  const choice = (key: TextKey, label: string, options: { value: string; label: string }[], none = words.automatic) => (
    <div className="cell field">
      <label htmlFor={`read-${key}`}>{label}</label>
      <NativeSelect id={`read-${key}`} value={reading[key]} options={[{ value: '', label: none }, ...options]} onChange={set(key)} />
    </div>
  );
  const typed = (key: TextKey, label: string, help?: string, type = 'text') => (
    <div className="cell field">
      <label htmlFor={`read-${key}`}>{label}</label>
      <Input id={`read-${key}`} type={type} value={reading[key]} autoComplete="off" aria-describedby={help && `read-${key}-help`} onChange={(event) => set(key)(event.target.value)} />
      {help && <p className="hint" id={`read-${key}-help`}>{help}</p>}
    </div>
  );
  const dialects = Object.entries(words.dialects).map(([value, label]) => ({ value, label }));
  return (
    <>
      <details className="more">
        <summary>{words.title}</summary>
        <p className="group-help">{words.help}</p>
        <div className="fields">
          {choice('dialect', words.dialect, dialects)}
          {choice('kind', words.kind, KINDS.map((value) => ({ value, label: text.datasets.kinds[value] })))}
          {typed('timezone', words.timezone, words.timezoneHelp)}
          {choice('separator', words.separator, SEPARATORS.map((value) => ({ value, label: words.separators[value] })))}
        </div>
      </details>
      <details className="more">
        <summary>{words.steps}</summary>
        <p className="group-help">{words.stepsHelp}</p>
        <div className="fields">
          {typed('instruments', words.instruments, words.instrumentsHelp)}
          {typed('from', words.from, undefined, 'date')}
          {typed('to', words.to, undefined, 'date')}
          {choice('adjust', words.adjust, ADJUST.map((value) => ({ value, label: words.adjusts[value] })), words.adjusts.none)}
          {typed('resample', words.resample, words.resampleHelp)}
          {choice('calendar', words.calendar, CALENDARS.map((value) => ({ value, label: text.datasets.quality.calendars[value] })), text.common.none)}
          {choice('missing', words.missing, MISSING.map((value) => ({ value, label: words.missings[value] })), words.missings.none)}
          {fillsIn(reading.missing) && typed('limit', words.limit)}
        </div>
        {interpolates(reading.missing) && (
          <Checkbox checked={reading.lookAhead} onChange={(event) => onChange({ ...reading, lookAhead: event.target.checked })}>{words.lookAhead}</Checkbox>
        )}
      </details>
    </>
  );
}
