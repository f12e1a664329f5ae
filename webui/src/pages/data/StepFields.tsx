/** What is done to data before it is stored, in the order in which it is done: for a file and for another data set. */
import { Checkbox, Input } from 'antd';

import { CALENDARS } from '../../api/datasets';
import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import { ADJUST, fillsIn, interpolates, MISSING, type Reading } from './reading';

interface StepFieldsProps {
  reading: Reading;
  onChange: (reading: Reading) => void;
}

type TextKey = Exclude<keyof Reading, 'lookAhead'>;

/** Shows the steps. Corporate actions appear where prices are adjusted, the limit where values are filled in. */
export function StepFields({ reading, onChange }: StepFieldsProps) {
  const text = useText();
  const words = text.datasets.reading;
  const set = (key: TextKey) => (value: string) => onChange({ ...reading, [key]: value });
  const choice = (key: TextKey, label: string, options: { value: string; label: string }[], none: string) => (
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
  return (
    <>
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
      {(reading.adjust !== '' || reading.actions !== '') && (
        <div className="field">
          <label htmlFor="read-actions">{words.actions}</label>
          <Input.TextArea id="read-actions" rows={3} value={reading.actions} aria-describedby="read-actions-help" placeholder="AAPL@2020-08-31:split:4" onChange={(event) => set('actions')(event.target.value)} />
          <p className="hint" id="read-actions-help">{words.actionsHelp}</p>
        </div>
      )}
      {interpolates(reading.missing) && (
        <Checkbox checked={reading.lookAhead} onChange={(event) => onChange({ ...reading, lookAhead: event.target.checked })}>{words.lookAhead}</Checkbox>
      )}
    </>
  );
}
