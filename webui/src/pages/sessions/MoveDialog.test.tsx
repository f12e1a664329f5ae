/** Moving a session: where it could go, what is sent, what a refusal looks like. */
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { nodeView, sessionView } from '../../testing/cluster';
import { list, Refused, serve, show } from '../../testing/server';
import { MoveDialog, targetsOf } from './MoveDialog';

const NODES = [nodeView('node-a'), nodeView('node-b', { cpu_reserved: 5 }), nodeView('node-c', { state: 'cordoned' }), nodeView('node-d', { up: false })];
const SESSION = sessionView('ses_1', { node: 'node-a', name: 'walker' });

describe('a move', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('goes to nodes that are up and open, not to where it is', () => {
    expect(targetsOf(SESSION, NODES).map((node) => node.id)).toEqual(['node-b']);
  });

  it('is sent with its target and reason', async () => {
    const asked = serve({ 'GET /nodes': () => list(NODES), 'POST /sessions/ses_1:move': () => SESSION });
    const closed = vi.fn();
    show(<MoveDialog session={SESSION} onClose={closed} />);
    const dialog = within(screen.getByRole('dialog', { name: 'Move “walker”?' }));
    await dialog.findByRole('option', { name: 'node-b' });
    fireEvent.change(dialog.getByLabelText('To node'), { target: { value: 'node-b' } });
    expect(dialog.getByText(/Free there: 3 cores/)).toBeTruthy();
    fireEvent.change(dialog.getByLabelText('Reason'), { target: { value: 'quieter machine' } });
    fireEvent.click(dialog.getByRole('button', { name: 'Move' }));
    await waitFor(() => expect(closed).toHaveBeenCalled());
    expect(asked.find((one) => one.method === 'POST')?.body).toEqual({ node: 'node-b', reason: 'quieter machine' });
  });

  it('shows why it was refused', async () => {
    serve({ 'GET /nodes': () => list(NODES.slice(0, 1)), 'POST /sessions/ses_1:move': () => new Refused(409, 'illegal_transition', 'there is no other node') });
    show(<MoveDialog session={SESSION} onClose={() => undefined} />);
    const dialog = within(screen.getByRole('dialog'));
    expect(await dialog.findByText('No other node takes sessions at the moment.')).toBeTruthy();
    fireEvent.change(dialog.getByLabelText('Reason'), { target: { value: 'quieter machine' } });
    fireEvent.click(dialog.getByRole('button', { name: 'Move' }));
    expect(await dialog.findByText('there is no other node')).toBeTruthy();
  });
});
