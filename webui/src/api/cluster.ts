/** Calls about the cluster, its nodes, their links and actors. */
import { client, command, unwrap } from './client';
import type { ActorView, ClusterView, LinkView, NodeView, SessionView } from './types';

export type NodeCommand = 'cordon' | 'uncordon' | 'drain' | 'undrain' | 'decommission';

export function readCluster(): Promise<ClusterView> {
  return unwrap(client.GET('/api/v1/cluster'));
}

export async function listNodes(): Promise<NodeView[]> {
  return (await unwrap(client.GET('/api/v1/nodes'))).items;
}

export async function readLinks(id: string): Promise<LinkView[]> {
  return (await unwrap(client.GET('/api/v1/nodes/{id}/links', { params: { path: { id } } }))).items;
}

export async function readNodeSessions(id: string): Promise<SessionView[]> {
  return (await unwrap(client.GET('/api/v1/nodes/{id}/sessions', { params: { path: { id } } }))).items;
}

export async function listActors(node: string): Promise<ActorView[]> {
  return (await unwrap(client.GET('/api/v1/actors', { params: { query: { node } } }))).items;
}

export function commandNode(id: string, verb: NodeCommand, reason: string) {
  const call = { params: { path: { id }, header: command() }, body: { reason } };
  switch (verb) {
    case 'cordon':
      return unwrap(client.POST('/api/v1/nodes/{id}:cordon', call));
    case 'uncordon':
      return unwrap(client.POST('/api/v1/nodes/{id}:uncordon', call));
    case 'drain':
      return unwrap(client.POST('/api/v1/nodes/{id}:drain', call));
    case 'undrain':
      return unwrap(client.POST('/api/v1/nodes/{id}:undrain', call));
    case 'decommission':
      return unwrap(client.POST('/api/v1/nodes/{id}:decommission', { ...call, body: { reason, confirm: id } }));
  }
}
