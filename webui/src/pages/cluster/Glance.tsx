/** The cluster at a glance: one verdict, who leads, how many are up, how many may be lost. */
import type { ClusterView, NodeView } from '../../api/types';
import { Card } from '../../components/Card';
import { Hash } from '../../components/Hash';
import { useText } from '../../i18n';
import { count } from '../../state/format';
import { type Verdict, verdictOf } from './health';

const TONE: Record<Verdict, string> = { healthy: 'good', degraded: 'warn', no_majority: 'bad' };

/** Shows the head of the cluster page. */
export function Glance({ cluster, nodes }: { cluster: ClusterView; nodes: NodeView[] }) {
  const text = useText();
  const words = text.cluster;
  const verdict = verdictOf(cluster, nodes);
  const members = nodes.filter((node) => node.state !== 'left');
  const figures: [string, string][] = [
    [words.leader, cluster.leader ?? words.noLeader],
    [words.voters, words.upOf(cluster.voters_up, cluster.voter_count)],
    [words.tolerated, String(cluster.losses_tolerated)],
    [words.nodesUp, words.upOf(members.filter((node) => node.up).length, members.length)],
    [words.clusterVersion, String(cluster.version)],
    [words.term, count(cluster.term)],
    [words.applied, count(cluster.applied_index)],
  ];
  const badge = (
    <span className={`badge badge-${TONE[verdict]}`} role="status">
      <span className="badge-dot" aria-hidden="true" />
      {words.verdicts[verdict]}
    </span>
  );
  return (
    <Card title={words.glance} aside={badge}>
      <dl className="figures">
        {figures.map(([name, value]) => (
          <div key={name} className="figure-box">
            <dt className="figure-name">{name}</dt>
            <dd className="figure-value num">{value}</dd>
          </div>
        ))}
      </dl>
      {cluster.id && <p className="hint glance-id">{words.identity} <Hash value={cluster.id} /></p>}
    </Card>
  );
}
