/** Where the session may run and whose quota it counts for. */
import { Checkbox, Input, InputNumber } from 'antd';

import { Card } from '../../components/Card';
import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import { useNodes } from '../cluster/useNodes';
import type { StartForm } from './useStartForm';
import { readLabels, type Wishes } from './wishes';

/** Shows the wishes; without any the planner chooses. */
export function PlacementFields({ form }: { form: StartForm }) {
  const words = useText().queue.placement;
  const { wishes, setWishes, resources, setResources } = form;
  const { nodes } = useNodes();
  const change = (part: Partial<Wishes>) => setWishes({ ...wishes, ...part });
  const wrong = readLabels(wishes.labels) === null;
  return (
    <Card title={words.title}>
      <div className="fields">
        <div className="cell field">
          <label htmlFor="start-node">{words.node}</label>
          <NativeSelect id="start-node" value={wishes.node} options={[{ value: '', label: words.anyNode }, ...nodes.map(({ id }) => ({ value: id, label: id }))]} onChange={(node) => change({ node })} />
        </div>
        <div className="cell field">
          <label htmlFor="start-labels">{words.labels}</label>
          <Input id="start-labels" value={wishes.labels} status={wrong ? 'error' : ''} aria-invalid={wrong} aria-describedby="start-labels-help" placeholder="zone=eu, disk=nvme" onChange={(event) => change({ labels: event.target.value })} />
          <p className={wrong ? 'field-errors' : 'hint'} id="start-labels-help" role={wrong ? 'alert' : undefined}>{wrong ? words.labelsWrong : words.labelsHelp}</p>
        </div>
        <div className="cell field">
          <label htmlFor="start-role">{words.role}</label>
          <Input id="start-role" maxLength={64} value={wishes.role} onChange={(event) => change({ role: event.target.value })} />
        </div>
        <div className="cell field">
          <label htmlFor="start-gpu-memory">{words.gpuMemory}</label>
          <InputNumber id="start-gpu-memory" min={1} max={4_194_304} precision={0} disabled={resources.gpus === 0} value={resources.gpu_memory_mib} onChange={(value) => setResources({ ...resources, gpu_memory_mib: value })} />
        </div>
        <div className="cell field">
          <label htmlFor="start-team">{words.team}</label>
          <Input id="start-team" maxLength={64} value={wishes.team} aria-describedby="start-team-help" onChange={(event) => change({ team: event.target.value })} />
          <p className="hint" id="start-team-help">{words.teamHelp}</p>
        </div>
        <div className="cell field">
          <Checkbox checked={wishes.preemptible} onChange={(event) => change({ preemptible: event.target.checked })}>{words.preemptible}</Checkbox>
        </div>
      </div>
    </Card>
  );
}
