/** The queue page: who waits and for what, why, what is free, and quotas that can be set and removed. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { type Answers, list, Refused, serve, show } from '../../testing/server';
import QueuePage from './QueuePage';

const ENTRY = {
  session_id: 'ses_1', name: 'big one', position: 1, priority: -5, reason: 'English', reason_code: 'missing',
  reason_params: { dimension: 'cpu', missing: '1500', node: 'node-a' }, created_at: '2026-01-01T00:00:00.000Z',
};
const QUOTA = { id: 'team:desk', scope: 'team', name: 'desk', sessions_max: null, cpu_max: 16, memory_mib_max: null, gpus_max: null, weight: 1, revision: 4, updated_at: '2026-01-01T00:00:00.000Z' };
const amount = (total: number, reserved: number) => ({ total, reserved, free: total - reserved });
const room = (cores: number, reserved: number) => ({ cores: amount(cores, reserved), memory_mib: amount(1024 * cores, 1024 * reserved), gpus: amount(0, 0) });
const CAPACITY = {
  nodes: [{ node: 'node-a', state: 'ready', up: true, open: true, ...room(8, 6) }, { node: 'node-b', state: 'cordoned', up: true, open: false, ...room(4, 0) }],
  total: room(8, 6),
};

function answers(change: Answers = {}): Answers {
  return {
    'GET /me': () => ({ user: { id: 'usr_1' }, permissions: ['scheduler:write'] }),
    'GET /scheduler/queue': () => list([ENTRY]),
    'GET /scheduler/capacity': () => CAPACITY,
    'GET /scheduler/quotas': () => list([QUOTA]),
    ...change,
  };
}

describe('the queue page', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('shows who waits in the words of the code, not of the sentence', async () => {
    serve(answers());
    show(<QueuePage />);
    const row = within(await screen.findByRole('row', { name: /big one/ }));
    expect(row.getByText('Waits for 1.5 cores on node-a')).toBeTruthy();
    expect(row.getByText('−5')).toBeTruthy();
  });

  it('says that nobody waits', async () => {
    serve(answers({ 'GET /scheduler/queue': () => list([]) }));
    show(<QueuePage />);
    expect(await screen.findByText('Nobody waits')).toBeTruthy();
  });

  it('shows what is free on each node and together, and who is closed', async () => {
    serve(answers());
    show(<QueuePage />);
    const card = within(await screen.findByRole('region', { name: 'Capacity left' }));
    expect(await card.findByText('All that take sessions')).toBeTruthy();
    expect(card.getAllByText('2 of 8 free')).toHaveLength(2);
    expect(card.getByText('closed to new sessions')).toBeTruthy();
  });

  it('keeps the rest of the page when one part fails', async () => {
    serve(answers({ 'GET /scheduler/capacity': () => new Refused(403, 'forbidden', 'no') }));
    show(<QueuePage />);
    expect(await screen.findByText('You may not see this')).toBeTruthy();
    expect(await screen.findByRole('row', { name: /big one/ })).toBeTruthy();
  });

  it('sets a quota, and only one that limits something', async () => {
    const asked = serve(answers({ 'PUT /scheduler/quotas/user:alice': () => ({ ...QUOTA, id: 'user:alice' }) }));
    show(<QueuePage />);
    fireEvent.click(await screen.findByRole('button', { name: 'Set quota' }));
    const dialog = within(screen.getByRole('dialog'));
    fireEvent.change(dialog.getByLabelText('Name'), { target: { value: 'alice' } });
    fireEvent.click(dialog.getByRole('button', { name: 'Save' }));
    expect(dialog.getByRole('alert').textContent).toBe('Set at least one limit.');
    fireEvent.change(dialog.getByLabelText('GPUs'), { target: { value: '2' } });
    fireEvent.click(dialog.getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(asked.find((one) => one.method === 'PUT')?.body).toMatchObject({ gpus_max: 2 });
  });

  it('names a quota by its owner where that is known', async () => {
    const quotas = [{ ...QUOTA, id: 'user:usr_1', scope: 'user', name: 'usr_1' }, { ...QUOTA, id: 'team:default', name: 'default' }, { ...QUOTA, id: 'user:usr_2', scope: 'user', name: 'usr_2' }];
    serve(answers({ 'GET /scheduler/quotas': () => list(quotas) }));
    show(<QueuePage />);
    for (const name of ['admin User', 'every other team Team', 'usr_2 User']) expect(await screen.findByRole('rowheader', { name })).toBeTruthy();
  });

  it('tells why one waits and what each node lacks, until it is closed', async () => {
    const why = {
      ...ENTRY, state: 'pending', node: null, epoch: 0, since: '2026-01-01T00:00:00.000Z',
      considered: [{ node: 'node-a', fits: false, lacks: ['1.5 cores are missing'] }, { node: 'node-z', fits: true, lacks: [] }],
    };
    serve(answers({ 'GET /sessions/ses_1/why': () => why, 'GET /sessions/ses_1': () => ({ id: 'ses_1', name: 'big one' }) }));
    show(<QueuePage />);
    fireEvent.click(await screen.findByRole('button', { name: 'Why does big one wait?' }));
    const panel = within(await screen.findByRole('region', { name: 'Why: big one' }));
    expect(await panel.findByText('1.5 cores are missing')).toBeTruthy();
    expect(panel.getByText('· place 1 in the queue')).toBeTruthy();
    fireEvent.click(panel.getByRole('button', { name: 'Close' }));
    expect(screen.queryByRole('region', { name: 'Why: big one' })).toBeNull();
  });

  it('removes a quota from its revision on', async () => {
    const asked = serve(answers({ 'DELETE /scheduler/quotas/team:desk': () => null }));
    show(<QueuePage />);
    fireEvent.click(await screen.findByRole('button', { name: 'Remove: desk' }));
    fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Remove' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(asked.find((one) => one.method === 'DELETE')?.headers.get('if-match')).toBe('"r4"');
  });

  it('lets those who may not set quotas only read them', async () => {
    serve(answers({ 'GET /me': () => ({ user: { id: 'usr_1' }, permissions: [] }) }));
    show(<QueuePage />);
    expect(await screen.findByRole('row', { name: /desk/ })).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Set quota' })).toBeNull();
  });
});
