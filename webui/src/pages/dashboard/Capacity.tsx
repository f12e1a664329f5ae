/** Nodes with what they have and what is reserved. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { about } from '../../api/platform';
import { keys } from '../../api/queries';
import type { NodeView } from '../../api/types';
import { Age } from '../../components/Age';
import { Card } from '../../components/Card';
import { Meter } from '../../components/Meter';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { bytes, percent } from '../../state/format';
import { NodeState } from '../cluster/NodeState';
import { useNodes } from '../cluster/useNodes';

const MIB = 1024 * 1024;

/** Shows the nodes. */
export function Capacity() {
  const text = useText();
  const { query, nodes } = useNodes();
  const self = useQuery({ queryKey: keys.about, queryFn: about, staleTime: Infinity });
  return (
    <Card title={text.dashboard.capacity} aside={<Link to="/cluster">{text.nav.cluster}</Link>}>
      <Part query={query}>
        {() => nodes.map((node) => <Node key={node.id} node={node} here={node.id === self.data?.node} />)}
      </Part>
    </Card>
  );
}

function Node({ node, here }: { node: NodeView; here: boolean }) {
  const text = useText();
  const { reserved } = text.dashboard;
  return (
    <div className="node">
      <div className="node-head">
        <strong>{node.id}</strong>
        <NodeState node={node} />
        {here && <span className="hint">{text.cluster.here}</span>}
      </div>
      <Meter label={text.dashboard.cpu} used={node.cpu_reserved} all={node.cpu_capacity} words={reserved(String(node.cpu_reserved), String(node.cpu_capacity))} />
      <Meter label={text.dashboard.memory} used={node.memory_reserved_mib} all={node.memory_capacity_mib} words={reserved(bytes(node.memory_reserved_mib * MIB), bytes(node.memory_capacity_mib * MIB))} />
      {node.gpu_capacity > 0 && <Meter label={text.dashboard.gpu} used={node.gpu_reserved} all={node.gpu_capacity} words={reserved(String(node.gpu_reserved), String(node.gpu_capacity))} />}
      <p className="hint num">
        {typeof node.cpu_ratio === 'number' && text.dashboard.load(percent(node.cpu_ratio, 0))}
        {typeof node.disk_free_ratio === 'number' && ` · ${text.dashboard.diskFree(percent(node.disk_free_ratio, 0))}`}
        {` · ${node.version}`} {node.sampled_at && <>· <Age live at={node.sampled_at} /></>}
      </p>
    </div>
  );
}
