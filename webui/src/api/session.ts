/** Who is logged in. The access token lives here, in memory, and nowhere else; the refresh cookie is the browser's. */
import { create } from 'zustand';

import { ApiError, problemOf, unreachable } from './problem';
import type { UserView } from './types';

/** What the page knows about the login. */
export interface Login {
  phase: 'unknown' | 'out' | 'in';
  user: UserView | null;
  token: string | null;
  expiresAt: number;
}

interface LoginAnswer {
  access_token: string;
  expires_at: string;
  user?: UserView | null;
}

const OUT: Login = { phase: 'out', user: null, token: null, expiresAt: 0 };
const BASE = '/api/v1';
/** Remembers only that somebody logged in here, so that a first visit asks for no refresh that must fail. */
const HINT = 'tm-login-known';
const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('tm-login');

function leave(): void {
  localStorage.removeItem(HINT);
  useLogin.setState(OUT);
}

/** The login as a store for components. */
export const useLogin = create<Login>(() => ({ ...OUT, phase: 'unknown' }));

channel?.addEventListener('message', (event: MessageEvent<unknown>) => {
  if (event.data === 'out') useLogin.setState(OUT);
});

async function post(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(BASE + path, { method: 'POST', credentials: 'same-origin', ...init });
  } catch (error) {
    throw unreachable(error instanceof Error ? error.message : String(error));
  }
}

async function accept(answer: LoginAnswer): Promise<void> {
  const expiresAt = Date.parse(answer.expires_at);
  const known = answer.user ?? useLogin.getState().user;
  const user = known ?? (await readMe(answer.access_token));
  localStorage.setItem(HINT, '1');
  useLogin.setState({ phase: 'in', user, token: answer.access_token, expiresAt });
}

async function readMe(token: string): Promise<UserView> {
  const response = await fetch(`${BASE}/me`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as UserView;
}

/** Logs in with name and password. Throws `ApiError` when refused. */
export async function logIn(user: string, password: string): Promise<void> {
  const response = await post('/auth/login', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, password }),
  });
  if (!response.ok) throw await problemOf(response);
  await accept((await response.json()) as LoginAnswer);
}

/** Ends the login here, in the other tabs and on the node. */
export async function logOut(): Promise<void> {
  try {
    const token = useLogin.getState().token;
    const bearer: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    await post('/auth/logout', { headers: { 'TM-CSRF': '1', ...bearer } });
  } finally {
    leave();
    channel?.postMessage('out');
  }
}

/**
 * Gets a new access token with the refresh cookie. Tabs take turns, so that the cookie is never used twice at once;
 * a caller whose stale token has been replaced meanwhile does nothing.
 */
export async function refresh(stale: string | null): Promise<boolean> {
  const turn = async (): Promise<boolean> => {
    const now = useLogin.getState();
    if (now.token !== null && now.token !== stale) return true;
    const response = await post('/auth/refresh', { headers: { 'TM-CSRF': '1' } });
    if (response.ok) {
      await accept((await response.json()) as LoginAnswer);
      return true;
    }
    if (response.status === 401 || response.status === 403) {
      leave();
      return false;
    }
    throw await problemOf(response);
  };
  // Absent where the page is not served from a secure origin.
  const locks: LockManager | undefined = navigator.locks;
  return locks ? locks.request('tm-refresh', turn) : turn();
}

/** Finds out at start whether the browser still holds a login. */
export async function restore(): Promise<void> {
  if (localStorage.getItem(HINT) === null) return useLogin.setState(OUT);
  try {
    await refresh(null);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    useLogin.setState(OUT);
  }
}
