/** A training session with a model, where the form wants a session's identifier. */
import type { SessionView } from '../../api/types';
import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import { moment } from '../../state/format';
import { metricText } from '../../state/metrics';

interface TrainedSelectProps {
  id: string;
  value: string;
  describedBy: string;
  sessions: SessionView[];
  onChange: (value: string) => void;
}

/** Shows the sessions of the chosen strategy, newest first. */
export function TrainedSelect({ id, value, describedBy, sessions, onChange }: TrainedSelectProps) {
  const text = useText();
  const options = sessions.map((each) => {
    const result = each.last_metrics['valid_total_return'];
    const figure = result === undefined ? '' : ` · ${metricText('valid_total_return', result, text)}`;
    return { value: each.id, label: `${each.name} · ${moment(each.created_at)}${figure}` };
  });
  const listed = options.some((option) => option.value === value);
  const missing = value === '' ? [{ value: '', label: sessions.length === 0 ? text.start.noTrained : text.form.choose }] : [{ value, label: value }];
  return <NativeSelect id={id} value={value} describedBy={describedBy} options={listed ? options : [...missing, ...options]} onChange={onChange} />;
}
