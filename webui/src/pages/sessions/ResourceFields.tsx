/** What the session reserves. */
import { InputNumber } from 'antd';

import { Card } from '../../components/Card';
import { useText } from '../../i18n';
import type { StartForm } from './useStartForm';

const MINUTE_SECONDS = 60;

/** Shows cores, memory, GPUs, time limit and priority. */
export function ResourceFields({ form }: { form: StartForm }) {
  const text = useText();
  const { resources, setResources } = form;
  const fields: ['cpu' | 'memory_mib' | 'gpus', string, number, number][] = [
    ['cpu', text.start.cpu, 1, 1024],
    ['memory_mib', text.start.memory, 64, 4_194_304],
    ['gpus', text.start.gpus, 0, 64],
  ];
  return (
    <Card title={text.start.resources}>
      <div className="fields">
        {fields.map(([key, label, min, max]) => (
          <div key={key} className="cell field">
            <label htmlFor={`start-${key}`}>{label}</label>
            <InputNumber id={`start-${key}`} min={min} max={max} precision={0} value={resources[key]} onChange={(value) => setResources({ ...resources, [key]: value ?? min })} />
          </div>
        ))}
        <div className="cell field">
          <label htmlFor="start-time">{text.start.timeLimit}</label>
          <InputNumber
            id="start-time"
            min={1}
            max={525_600}
            precision={0}
            value={resources.time_limit_seconds === null ? null : resources.time_limit_seconds / MINUTE_SECONDS}
            aria-describedby="start-time-help"
            onChange={(value) => setResources({ ...resources, time_limit_seconds: value === null ? null : value * MINUTE_SECONDS })}
          />
          <p className="hint" id="start-time-help">{text.start.timeLimitHelp}</p>
        </div>
        <div className="cell field">
          <label htmlFor="start-priority">{text.start.priority}</label>
          <InputNumber id="start-priority" min={-100} max={100} precision={0} value={form.priority} aria-describedby="start-priority-help" onChange={(value) => form.setPriority(value ?? 0)} />
          <p className="hint" id="start-priority-help">{text.start.priorityHelp}</p>
        </div>
      </div>
    </Card>
  );
}
