/** Nodes, members, links, actors and a cluster as the gateway shows them, for tests. */
import type { ActorView, ClusterView, LinkView, MemberView, NodeView, SessionView } from '../api/types';

export function nodeView(id: string, change: Partial<NodeView> = {}): NodeView {
  return {
    id, state: 'ready', reason: '', up: true, down_since: null, address: `10.0.0.${id.length}:7700`, gateway_url: '', labels: {}, roles: [],
    version: '0.2.0', incarnation: 1, started_at: '2026-01-01T00:00:00.000Z', cpu_capacity: 8, cpu_reserved: 2, cpu_ratio: 0.25,
    memory_capacity_mib: 16_384, memory_reserved_mib: 4096, memory_used_bytes: 2 ** 30, gpu_capacity: 0, gpu_reserved: 0, session_count: 0,
    disk_free_ratio: 0.5, sampled_at: '2026-01-01T00:10:00.000Z', ...change,
  };
}

export function memberView(node: string, change: Partial<MemberView> = {}): MemberView {
  return { node, role: 'voter', number: 1, address: `${node}:7700`, state: 'ready', up: true, lag: null, incarnation: 1, version: '0.2.0', protocol_max: 2, ...change };
}

export function clusterView(change: Partial<ClusterView> = {}): ClusterView {
  return {
    id: '0123456789abcdef0123456789abcdef', version: 2, alone: false, leader: 'node-a', term: 7, applied_index: 4711, quorum: true,
    voter_count: 3, voters_up: 3, losses_tolerated: 1,
    members: [memberView('node-a', { role: 'leader' }), memberView('node-b'), memberView('node-c')], ...change,
  };
}

export function linkView(peer: string, change: Partial<LinkView> = {}): LinkView {
  return { peer, state: 'ready', rtt_ms: 0.4, since_ms: 60_000, redials: 0, bytes_in: 1024, bytes_out: 2048, drops: 0, messages_under_way: 0, reason: null, ...change };
}

export function actorView(name: string, supervisor: string | null, change: Partial<ActorView> = {}): ActorView {
  return { node: 'node-a', name, supervisor, state: 'running', restart_count: 0, last_error: null, queue_age_ms: 0.1, ...change };
}

/** A session with what lists need; the rest is as empty as the types allow. */
export function sessionView(id: string, change: Partial<SessionView> = {}): SessionView {
  return {
    id, name: id, kind: 'training', state: 'running', reason: '', owner: 'usr_1', strategy_id: 'str_1', strategy_name: 's', strategy_version: 1,
    dataset_id: 'dat_1', dataset_name: 'd', dataset_sha256: '0'.repeat(64), node: 'node-a', epoch: 1, config: { kind: 'training' },
    resources: { cpu: 1, memory_mib: 256, gpus: 0 }, priority: 0, tags: [], last_metrics: {}, retry_count: 0, first_error: null,
    progress: { ratio: 0.4, step: 4, step_count: 10, epoch_index: 0, epoch_count: 1, phase: '', steps_per_second: null, eta_seconds: null },
    model_sha256: null, report_sha256: null, reproducibility: 'exact', build: '', limits: null, created_at: '2026-01-01T00:00:00.000Z',
    started_at: null, finished_at: null, revision: 1, ...change,
  } as SessionView;
}
