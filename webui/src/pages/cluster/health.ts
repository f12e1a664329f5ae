/** What the cluster's state means to people: one verdict and the notices that explain it. Pure. */
import type { ClusterView, NodeView } from '../../api/types';

export type Verdict = 'healthy' | 'degraded' | 'no_majority';

/** Something people should know, the gravest first. */
export type Notice =
  | { kind: 'noMajority'; up: number; all: number; needed: number }
  | { kind: 'noLeader' }
  | { kind: 'down'; node: string; since: string | null; reason: string; moves: boolean }
  | { kind: 'twoVoters' }
  | { kind: 'noSpare' }
  | { kind: 'versions'; list: string }
  | { kind: 'alone' };

/** How many of `voters` have to be up. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The notices of a cluster and its nodes. */
export function notices(cluster: ClusterView, nodes: NodeView[]): Notice[] {
  if (cluster.alone) return [{ kind: 'alone' }];
  const found: Notice[] = [];
  const { voter_count: all, voters_up: up } = cluster;
  if (!cluster.quorum) found.push({ kind: 'noMajority', up, all, needed: majority(all) });
  else if (cluster.leader === null) found.push({ kind: 'noLeader' });
  for (const node of nodes) {
    if (!node.up && node.state !== 'left' && node.state !== 'joining') found.push({ kind: 'down', node: node.id, since: node.down_since, reason: node.reason, moves: cluster.quorum });
  }
  if (cluster.quorum && all === 2) found.push({ kind: 'twoVoters' });
  else if (cluster.quorum && all > 2 && cluster.losses_tolerated === 0) found.push({ kind: 'noSpare' });
  const versions = [...new Set(nodes.filter((node) => node.up && node.version !== '').map((node) => node.version))].sort();
  if (versions.length > 1) found.push({ kind: 'versions', list: versions.join(', ') });
  return found;
}

/** The one word for the cluster. */
export function verdictOf(cluster: ClusterView, nodes: NodeView[]): Verdict {
  if (cluster.alone) return 'healthy';
  if (!cluster.quorum) return 'no_majority';
  return notices(cluster, nodes).some((notice) => notice.kind !== 'versions') ? 'degraded' : 'healthy';
}
