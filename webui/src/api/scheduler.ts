/** Calls about the queue, capacity and quotas. */
import { client, command, revision, unwrap } from './client';
import type { CapacityView, QueueEntryView, QuotaView, WhyView } from './types';

export async function readQueue(): Promise<QueueEntryView[]> {
  return (await unwrap(client.GET('/api/v1/scheduler/queue'))).items;
}

export function readCapacity(): Promise<CapacityView> {
  return unwrap(client.GET('/api/v1/scheduler/capacity'));
}

export function whySession(id: string): Promise<WhyView> {
  return unwrap(client.GET('/api/v1/sessions/{id}/why', { params: { path: { id } } }));
}

export async function listQuotas(): Promise<QuotaView[]> {
  return (await unwrap(client.GET('/api/v1/scheduler/quotas'))).items;
}

export function putQuota(id: string, body: object, before: QuotaView | null): Promise<QuotaView> {
  const header = { ...command(), ...(before ? { 'If-Match': revision(before) } : {}) };
  return unwrap(client.PUT('/api/v1/scheduler/quotas/{id}', { params: { path: { id }, header }, body }));
}

export async function removeQuota(quota: QuotaView): Promise<void> {
  await unwrap(client.DELETE('/api/v1/scheduler/quotas/{id}', { params: { path: { id: quota.id }, header: { ...command(), 'If-Match': revision(quota) } } }));
}
