/** Calls about the node itself, the caller's account and the live stream's ticket. */
import { client, unwrap } from './client';

/** Who the caller is and what the caller may do. */
export function whoAmI() {
  return unwrap(client.GET('/api/v1/me'));
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
