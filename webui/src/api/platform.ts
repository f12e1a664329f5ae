/** Calls about the node itself, the caller's account and the live stream's ticket. */
import { client, unwrap } from './client';
import type { NodeView } from './types';

export async function listNodes(): Promise<NodeView[]> {
  return (await unwrap(client.GET('/api/v1/nodes'))).items;
}

export function about() {
  return unwrap(client.GET('/api/v1/about'));
}

export async function changePassword(current: string, next: string): Promise<void> {
  await unwrap(client.POST('/api/v1/me/password', { body: { current, new: next } }));
}

export async function streamTicket(): Promise<string> {
  return (await unwrap(client.POST('/api/v1/ws-tickets'))).ticket;
}
