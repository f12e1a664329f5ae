/** The cluster page as a reader meets it: alone, whole, with a loss, without a majority; and what its buttons send. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { actorView, clusterView, linkView, memberView, nodeView, sessionView } from '../../testing/cluster';
import { type Answers, list, Refused, serve, show } from '../../testing/server';
import ClusterPage from './ClusterPage';

const NODES = [nodeView('node-a'), nodeView('node-b', { state: 'draining', session_count: 2 }), nodeView('node-c', { state: 'drained' })];

function answers(change: Answers = {}): Answers {
  return {
    'GET /me': () => ({ user: { id: 'usr_1' }, permissions: ['cluster:operate'] }),
    'GET /about': () => ({ mode: 'sim', name: 'x', node: 'node-a', version: '0.2.0' }),
    'GET /cluster': () => clusterView(),
    'GET /nodes': () => list(NODES),
    ...Object.fromEntries(NODES.map((node) => [`GET /nodes/${node.id}/sessions`, () => list(node.id === 'node-b' ? [sessionView('ses_7', { node: 'node-b', name: 'slow one' })] : [])])),
    ...Object.fromEntries(NODES.map((node) => [`GET /nodes/${node.id}/links`, () => list(NODES.filter((peer) => peer !== node).map((peer) => linkView(peer.id)))])),
    'GET /actors': () => list([actorView('root', null), actorView('host', 'root', { restart_count: 3 })]),
    ...change,
  };
}

const card = (node: string) => screen.findByRole('region', { name: node });

describe('the cluster page', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('shows each node with its part, its state and its sessions', async () => {
    serve(answers());
    show(<ClusterPage />);
    expect(within(await card('node-a')).getByText('this node')).toBeTruthy();
    expect(within(await card('node-a')).getByText('Leader')).toBeTruthy();
    const draining = within(await card('node-b'));
    expect(draining.getByText('Draining')).toBeTruthy();
    expect(draining.getByText('2 sessions still here')).toBeTruthy();
    expect((await draining.findByRole('link', { name: 'slow one' })).getAttribute('href')).toBe('/sessions/ses_7');
    expect(screen.getByText('Healthy')).toBeTruthy();
    expect(await screen.findAllByText('0.4 ms')).toHaveLength(6);
    expect(await screen.findByText('2 actors, 3 restarts')).toBeTruthy();
  });

  it('says of a lone node that nothing is to be set up, and shows no links', async () => {
    const alone = clusterView({ alone: true, voter_count: 1, voters_up: 1, losses_tolerated: 0, members: [memberView('node-a', { role: 'leader' })] });
    serve(answers({ 'GET /cluster': () => alone, 'GET /nodes': () => list([nodeView('node-a')]) }));
    show(<ClusterPage />);
    expect(await screen.findByText(/nothing to set up/)).toBeTruthy();
    expect(screen.queryByRole('region', { name: 'Links' })).toBeNull();
    expect(within(await card('node-a')).queryByRole('button', { name: 'Decommission' })).toBeNull();
  });

  it('alarms when there is no majority and when a node is down', async () => {
    const down = nodeView('node-b', { up: false, down_since: new Date(Date.now() - 90_000).toISOString() });
    serve(answers({ 'GET /cluster': () => clusterView({ quorum: false, leader: null, voters_up: 1 }), 'GET /nodes': () => list([nodeView('node-a'), down]) }));
    show(<ClusterPage />);
    await card('node-b');
    const alarms = (await screen.findAllByRole('alert')).map((alarm) => alarm.textContent);
    expect(alarms[0]).toContain('1 of 3 voters are up, 2 are needed');
    expect(alarms[1]).toContain('node-b is down');
    expect(alarms[1]).not.toContain('go on elsewhere');
  });

  it('goes on without the links of a node that does not answer', async () => {
    serve(answers({ 'GET /nodes/node-b/links': () => new Refused(500, 'internal', 'no') }));
    show(<ClusterPage />);
    expect(await screen.findByText('node-b did not say how its links are')).toBeTruthy();
    expect(screen.getAllByText('0.4 ms')).toHaveLength(4);
  });

  it('shows no buttons to those who may not operate', async () => {
    serve(answers({ 'GET /me': () => ({ user: { id: 'usr_1' }, permissions: ['cluster:read'] }) }));
    show(<ClusterPage />);
    await card('node-a');
    expect(screen.queryByRole('button', { name: 'Drain' })).toBeNull();
  });

  it('drains with a reason', async () => {
    const asked = serve(answers({ 'POST /nodes/node-a:drain': () => nodeView('node-a', { state: 'draining' }) }));
    show(<ClusterPage />);
    fireEvent.click(await within(await card('node-a')).findByRole('button', { name: 'Drain' }));
    const dialog = within(screen.getByRole('dialog'));
    const send = dialog.getByRole('button', { name: 'Drain' });
    expect(send).toHaveProperty('disabled', true);
    fireEvent.change(dialog.getByLabelText('Reason'), { target: { value: ' kernel update ' } });
    fireEvent.click(send);
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    const sent = asked.find((one) => one.method === 'POST');
    expect(sent).toMatchObject({ path: '/nodes/node-a:drain', body: { reason: 'kernel update' } });
    expect(sent?.headers.get('idempotency-key')).toMatch(/^[0-9a-f]{32}$/);
  });

  it('decommissions only with the typed name, and shows a refusal where it was asked for', async () => {
    const refusal = '2 voters would remain, 3 are wanted';
    const asked = serve(answers({ 'POST /nodes/node-c:decommission': () => new Refused(409, 'conflict', refusal) }));
    show(<ClusterPage />);
    fireEvent.click(await within(await card('node-c')).findByRole('button', { name: 'Decommission' }));
    const dialog = within(screen.getByRole('dialog'));
    const send = dialog.getByRole('button', { name: 'Decommission' });
    fireEvent.change(dialog.getByLabelText('Reason'), { target: { value: 'sold' } });
    fireEvent.change(dialog.getByLabelText('Type node-c to confirm'), { target: { value: 'node-b' } });
    expect(send).toHaveProperty('disabled', true);
    fireEvent.change(dialog.getByLabelText('Type node-c to confirm'), { target: { value: 'node-c' } });
    fireEvent.click(send);
    expect(await dialog.findByText(refusal)).toBeTruthy();
    expect(asked.find((one) => one.method === 'POST')?.body).toEqual({ reason: 'sold', confirm: 'node-c' });
  });
});
