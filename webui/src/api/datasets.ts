/** Calls about data sets. Uploading reports its progress, which `fetch` cannot: it uses XMLHttpRequest. */
import { ask, client, command, commandKey, revision, unwrap } from './client';
import { problemFrom, unreachable } from './problem';
import { refresh, useLogin } from './session';
import type { BarsView, ConsumersView, DatasetView, DerivedDataset, InspectionView, PreviewView, QualityView, VerificationView } from './types';

/** What is sent when a file is imported. `mapping` names the file's column for each of ours. */
export interface Upload {
  name: string;
  instrument: string;
  format: 'csv' | 'parquet';
  mapping: Record<string, string>;
  /** How the file is read and what is done to it, by the gateway's own words; empty ones are left to the node. */
  options: Record<string, string>;
  file: File;
}

const UPLOAD_TIMEOUT_MS = 300_000;

export function listDatasets(cursor?: string) {
  return unwrap(client.GET('/api/v1/datasets', { params: { query: { limit: 100, cursor } } }));
}

export function getDataset(id: string): Promise<DatasetView> {
  return unwrap(client.GET('/api/v1/datasets/{id}', { params: { path: { id } } }));
}

export function readBars(id: string, bins: number, instrument?: string): Promise<BarsView> {
  return unwrap(client.GET('/api/v1/datasets/{id}/bars', { params: { path: { id }, query: { bins, instrument } } }));
}

/** Calendars that a quality check knows. */
export const CALENDARS = ['always_open', 'us_equities', 'forex_week', 'china_a_shares'] as const;
export type Calendar = (typeof CALENDARS)[number];

export function readQuality(id: string, calendar?: Calendar, split?: string): Promise<QualityView> {
  const query = { calendar, split: split || undefined };
  return unwrap(client.GET('/api/v1/datasets/{id}/quality', { params: { path: { id }, query } }));
}

export function readPreview(id: string, rows: number): Promise<PreviewView> {
  return unwrap(client.GET('/api/v1/datasets/{id}/preview', { params: { path: { id }, query: { rows } } }));
}

export function readConsumers(id: string): Promise<ConsumersView> {
  return unwrap(client.GET('/api/v1/datasets/{id}/consumers', { params: { path: { id } } }));
}

/** What an import of this file would read. */
export function inspectFile(upload: Upload): Promise<InspectionView> {
  return ask('/datasets:inspect', uploadQuery(upload), upload.file, mediaType(upload.format));
}

/** What a data set made of another one would hold; nothing is stored. */
export function inspectDerived(from: DerivedDataset): Promise<InspectionView> {
  return unwrap(client.POST('/api/v1/datasets:inspect', { body: { from } }));
}

/** Makes a data set of another one. */
export function createDerived(name: string, from: DerivedDataset): Promise<DatasetView> {
  return unwrap(client.POST('/api/v1/datasets', { params: { header: command() }, body: { name, from } }));
}

/** Hashes and decodes the snapshot anew. */
export function verifyDataset(id: string): Promise<VerificationView> {
  return unwrap(client.POST('/api/v1/datasets/{id}:verify', { params: { path: { id } } }));
}

export function createSynthetic(name: string, seed: number, rows: number): Promise<DatasetView> {
  return unwrap(client.POST('/api/v1/datasets', { params: { header: command() }, body: { name, synthetic: { seed, rows } } }));
}

export async function removeDataset(dataset: DatasetView): Promise<void> {
  await unwrap(
    client.DELETE('/api/v1/datasets/{id}', {
      params: { path: { id: dataset.id }, header: { 'If-Match': revision(dataset) } },
    }),
  );
}

/** How a file is to be read, with the column mapping as `map.<ours>=<theirs>`. */
export function uploadQuery(upload: Upload): URLSearchParams {
  const query = new URLSearchParams({ format: upload.format, file: upload.file.name });
  if (upload.name) query.set('name', upload.name);
  if (upload.instrument) query.set('instrument', upload.instrument);
  for (const [ours, theirs] of Object.entries(upload.mapping)) if (theirs) query.set(`map.${ours}`, theirs);
  for (const [name, value] of Object.entries(upload.options)) if (value) query.set(name, value);
  return query;
}

function mediaType(format: Upload['format']): string {
  return format === 'csv' ? 'text/csv' : 'application/vnd.apache.parquet';
}

/** Sends a file; `progress` hears the share sent, 0 to 1. */
export async function importFile(upload: Upload, progress: (ratio: number) => void): Promise<DatasetView> {
  if (useLogin.getState().expiresAt - Date.now() < UPLOAD_TIMEOUT_MS) await refresh(useLogin.getState().token);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/api/v1/datasets?${uploadQuery(upload)}`);
    request.timeout = UPLOAD_TIMEOUT_MS;
    request.setRequestHeader('authorization', `Bearer ${useLogin.getState().token ?? ''}`);
    request.setRequestHeader('idempotency-key', commandKey());
    request.setRequestHeader('content-type', mediaType(upload.format));
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onerror = () => reject(unreachable('The connection broke during the upload.'));
    request.ontimeout = () => reject(unreachable('The upload took too long.'));
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve(body as DatasetView);
      else reject(problemFrom(body, request.status, request.statusText));
    };
    request.send(upload.file);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
