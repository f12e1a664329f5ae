/** Calls about the queue, capacity and quotas. */
import { client, revision, unwrap } from './client';
import type { CapacityView, QueueEntryView, QuotaLimits, QuotaView, WhyView } from './types';

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

/** Sets a quota; `before` is what it replaces. */
export function putQuota(id: string, body: QuotaLimits, before: QuotaView | null): Promise<QuotaView> {
  const header = { 'If-Match': revision(before ?? { revision: 0 }) };
  return unwrap(client.PUT('/api/v1/scheduler/quotas/{id}', { params: { path: { id }, header }, body }));
}

export async function removeQuota(quota: QuotaView): Promise<void> {
  await unwrap(client.DELETE('/api/v1/scheduler/quotas/{id}', { params: { path: { id: quota.id }, header: { 'If-Match': revision(quota) } } }));
}
