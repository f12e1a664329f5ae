/** Typed calls: bearer token, one refresh on 401, idempotency keys, repeats that are safe, errors as `ApiError`. */
import createClient from 'openapi-fetch';

import type { paths } from './generated/openapi';
import { ApiError, problemFrom, problemOf, unreachable } from './problem';
import { refresh, useLogin } from './session';

const REPEAT_AFTER_MS = [400, 1500];

/** The header by which a command is known, however often it is sent. */
export function command(): { 'Idempotency-Key': string } {
  return { 'Idempotency-Key': commandKey() };
}

/** A fresh key for one command. */
export function commandKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function authorised(request: Request): Request {
  const token = useLogin.getState().token;
  if (token) request.headers.set('authorization', `Bearer ${token}`);
  return request;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Whether sending the same request again can do no harm. */
function repeatable(request: Request): boolean {
  return request.method === 'GET' || request.headers.has('idempotency-key');
}

async function attempt(request: Request): Promise<Response> {
  const used = useLogin.getState().token;
  const again = request.clone();
  const response = await fetch(authorised(request));
  if (response.status !== 401) return response;
  return (await refresh(used)) ? fetch(authorised(again)) : response;
}

async function send(request: Request): Promise<Response> {
  for (const wait of [...REPEAT_AFTER_MS, null]) {
    try {
      const response = await attempt(request.clone());
      const unsure = response.status === 503 || response.status === 504;
      if (!unsure || wait === null || !repeatable(request)) return response;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (error instanceof DOMException && error.name === 'AbortError') throw error;
      if (wait === null || !repeatable(request)) throw unreachable(error instanceof Error ? error.message : String(error));
    }
    await pause(wait);
  }
  throw unreachable('no answer');
}

/** The client; used by the files of this folder only. */
export const client = createClient<paths>({ fetch: send });

/** Reads a route by its address alone; for routes whose answer is typed by hand. */
export async function read<T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<T> {
  const params = new URLSearchParams(Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])));
  const address = new URL(`/api/v1${path}${params.size > 0 ? `?${params}` : ''}`, document.baseURI);
  const response = await send(new Request(address));
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/** Sends a file to a route that stores nothing. */
export async function ask<T>(path: string, query: URLSearchParams, file: Blob, type: string): Promise<T> {
  const address = new URL(`/api/v1${path}?${query}`, document.baseURI);
  const response = await send(new Request(address, { method: 'POST', body: file, headers: { 'content-type': type } }));
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/** The revision an edit starts from, as `If-Match` wants it. */
export function revision(object: { revision: number }): string {
  return `"r${object.revision}"`;
}

/** Takes the data out of an answer or throws its problem. */
export async function unwrap<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemFrom(error, response.status, response.statusText);
  return data as T;
}
