/** One node: what it is, how it is, what is reserved of it, who runs on it, what can be done with it. */
import type { MemberView, NodeView, SessionView } from '../../api/types';
import { Age } from '../../components/Age';
import { Card } from '../../components/Card';
import { Facts } from '../../components/Facts';
import { Meter } from '../../components/Meter';
import { useText } from '../../i18n';
import { bytes, count, moment, percent } from '../../state/format';
import { DrainProgress } from './DrainProgress';
import { NodeActions } from './NodeActions';
import { NodeSessions } from './NodeSessions';
import { NodeState } from './NodeState';

const MIB = 1024 * 1024;

interface NodeCardProps {
  node: NodeView;
  /** Its part in the agreement; absent while that is not known. */
  member?: MemberView;
  here: boolean;
  alone: boolean;
  may: boolean;
  sessions: SessionView[];
  /** Shows its actor tree. */
  onActors: () => void;
}

/** Shows a node. */
export function NodeCard({ node, member, here, alone, may, sessions, onActors }: NodeCardProps) {
  const text = useText();
  const words = text.cluster;
  const { reserved } = text.dashboard;
  const roles: Record<string, string> = words.roles;
  const labels = Object.entries(node.labels).map(([name, value]) => `${name}=${value}`);
  const badges = (
    <>
      {here && <span className="hint">{words.here}</span>}
      {member && <span className={`tag ${member.role === 'leader' ? 'tag-lead' : ''}`}>{roles[member.role] ?? member.role}</span>}
      <NodeState node={node} />
    </>
  );
  return (
    <Card title={node.id} aside={badges} className="node-card">
      {node.reason && node.state !== 'ready' && <p className="note note-info">{words.reason}: {node.reason}</p>}
      {node.state === 'draining' && <DrainProgress node={node} />}
      <div className="node-meters">
        <Meter label={text.dashboard.cpu} used={node.cpu_reserved} all={node.cpu_capacity} words={reserved(String(node.cpu_reserved), String(node.cpu_capacity))} />
        <Meter label={text.dashboard.memory} used={node.memory_reserved_mib} all={node.memory_capacity_mib} words={reserved(bytes(node.memory_reserved_mib * MIB), bytes(node.memory_capacity_mib * MIB))} />
        {node.gpu_capacity > 0 && <Meter label={text.dashboard.gpu} used={node.gpu_reserved} all={node.gpu_capacity} words={reserved(String(node.gpu_reserved), String(node.gpu_capacity))} />}
      </div>
      {node.up && <p className="hint num">{load(node, text)} {node.sampled_at && <Age live at={node.sampled_at} />}</p>}
      <NodeSessions node={node} sessions={sessions} />
      <Facts
        facts={[
          [words.address, node.address],
          [words.gateway, node.gateway_url],
          [text.common.version, node.version],
          [words.started, node.started_at && `${moment(node.started_at)} UTC · ${words.starts(node.incarnation)}`],
          [words.nodeRoles, node.roles.join(', ')],
          [words.labels, labels.join(', ')],
          [words.lag, typeof member?.lag === 'number' && member.lag > 0 ? words.lagOf(count(member.lag)) : null],
        ]}
      />
      <div className="node-foot">
        <button type="button" className="link" aria-label={`${words.actors}: ${node.id}`} onClick={onActors}>{words.actors}</button>
        {may && <NodeActions node={node} alone={alone} />}
      </div>
    </Card>
  );
}

function load(node: NodeView, text: ReturnType<typeof useText>): string {
  const parts: string[] = [];
  if (typeof node.cpu_ratio === 'number') parts.push(text.dashboard.load(percent(node.cpu_ratio, 0)));
  if (typeof node.memory_used_bytes === 'number') parts.push(text.cluster.memoryUsed(bytes(node.memory_used_bytes)));
  if (typeof node.disk_free_ratio === 'number') parts.push(text.dashboard.diskFree(percent(node.disk_free_ratio, 0)));
  return parts.length > 0 && node.sampled_at ? `${parts.join(' · ')} · ` : parts.join(' · ');
}
