/** A gateway for component tests: answers by method and path, and remembers what was asked of it. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';
import { vi } from 'vitest';

import { useLogin } from '../api/session';

/** What was sent. */
export interface Asked {
  method: string;
  path: string;
  body: unknown;
  headers: Headers;
}

export type Answers = Record<string, (asked: Asked) => unknown>;

/** A refusal as the gateway words it. */
export class Refused {
  constructor(readonly status: number, readonly code: string, readonly detail: string) {}
}

/** A list as the gateway answers it. */
export const list = (items: unknown[]) => ({ items, next_cursor: null, as_of: '2026-01-01T00:00:00.000Z' });

/** Answers `GET /api/v1/…` and the like; what is not listed is not found. Returns what was asked. */
export function serve(answers: Answers): Asked[] {
  const asked: Asked[] = [];
  useLogin.setState({ phase: 'in', user: { id: 'usr_1', name: 'admin', role: 'admin', must_change_password: false, created_at: '' }, token: 't', expiresAt: Date.now() + 1e6 });
  vi.stubGlobal('fetch', async (request: Request) => {
    const url = new URL(request.url, 'http://node');
    const words = await request.text();
    const one: Asked = { method: request.method, path: decodeURIComponent(url.pathname).replace('/api/v1', ''), body: words === '' ? null : JSON.parse(words), headers: request.headers };
    asked.push(one);
    const answer = answers[`${one.method} ${one.path}`]?.(one) ?? new Refused(404, 'not_found', `nothing at ${one.path}`);
    const body = answer instanceof Refused ? { type: 'x', title: answer.code, status: answer.status, code: answer.code, detail: answer.detail, errors: [] } : answer;
    return new Response(JSON.stringify(body), { status: answer instanceof Refused ? answer.status : 200, headers: { 'content-type': 'application/json' } });
  });
  return asked;
}

/** Draws a page at an address. */
export function show(page: ReactNode, address = '/') {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return render(
    <QueryClientProvider client={queries}>
      <MemoryRouter initialEntries={[address]}>{page}</MemoryRouter>
    </QueryClientProvider>,
  );
}
