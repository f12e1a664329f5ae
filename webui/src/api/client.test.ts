/** Calls: one refresh on 401, safe repeats with the same key, problems as errors. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError, asProblem, violationsBelow } from './problem';
import { useLogin } from './session';

const USER = { id: 'usr_1', name: 'admin', role: 'admin', must_change_password: false, created_at: '2026-01-01T00:00:00.000Z' };

const json = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
const problem = (status: number, code: string): Response => json(status, { type: 'x', title: code, status, code, detail: code, errors: [] });

describe('a call', () => {
  let calls: Request[] = [];
  let answers: (Response | Error)[] = [];
  beforeEach(() => {
    calls = [];
    useLogin.setState({ phase: 'in', user: USER, token: 'old', expiresAt: Date.now() + 1000 });
    vi.stubGlobal('fetch', async (input: Request | string, init?: RequestInit) => {
      calls.push(typeof input === 'string' ? new Request(new URL(input, 'http://node'), init) : input);
      const answer = answers.shift();
      if (answer === undefined || answer instanceof Error) throw answer ?? new TypeError('no answer left');
      return answer;
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it('refreshes an expired token once and repeats', async () => {
    const { getSession } = await import('./sessions');
    answers = [problem(401, 'token_expired'), json(200, { access_token: 'new', expires_at: '2030-01-01T00:00:00Z', user: USER }), json(200, { id: 'ses_1' })];
    await expect(getSession('ses_1')).resolves.toMatchObject({ id: 'ses_1' });
    expect(calls.map((call) => call.headers.get('authorization'))).toEqual(['Bearer old', null, 'Bearer new']);
    expect(calls[1]?.headers.get('TM-CSRF')).toBe('1');
  });

  it('logs out when the refresh is refused', async () => {
    const { getSession } = await import('./sessions');
    answers = [problem(401, 'token_expired'), problem(401, 'unauthenticated')];
    await expect(getSession('ses_1')).rejects.toBeInstanceOf(ApiError);
    expect(useLogin.getState()).toMatchObject({ phase: 'out', token: null });
  });

  it('repeats a command after a lost connection with the same key', async () => {
    const { commandSession } = await import('./sessions');
    answers = [new TypeError('connection lost'), json(202, { id: 'ses_1' })];
    await commandSession('ses_1', 'pause');
    const used = calls.map((call) => call.headers.get('idempotency-key'));
    expect(used).toHaveLength(2);
    expect(used[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(used[1]).toBe(used[0]);
    expect(calls[0]?.url).toMatch(/\/api\/v1\/sessions\/ses_1:pause$/);
  });

  it('throws the gateway’s problem with its violations', async () => {
    const { createStrategy } = await import('./strategies');
    const errors = [{ pointer: '/config/agent/gamma', code: 'out_of_range', params: {}, detail: 'must be at most 1' }];
    answers = [json(422, { type: 'x', title: 'Validation failed', status: 422, code: 'validation_failed', detail: '1 field', errors })];
    const thrown = await createStrategy({ name: 'a', description: '', config: {} }).catch((error: unknown) => error);
    expect(asProblem(thrown).code).toBe('validation_failed');
    expect(violationsBelow(asProblem(thrown), '/config').map((each) => each.pointer)).toEqual(['/agent/gamma']);
  });
});
