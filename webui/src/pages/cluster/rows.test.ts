/** Trees, links, nodes and placements as rows. */
import { describe, expect, it } from 'vitest';

import { actorView, linkView, nodeView, sessionView } from '../../testing/cluster';
import { actorRows } from './actorRows';
import { linkNames, linkOf, linkRows } from './links';
import { merged } from './useNodes';
import { byNode } from './usePlaced';

const shown = (...given: Parameters<typeof actorRows>) => actorRows(...given).map((row) => `${'-'.repeat(row.depth)}${row.actor.name}`);

describe('the actor tree', () => {
  it('puts each supervisor before its children', () => {
    const actors = [actorView('root', null), actorView('b', 'root'), actorView('a', 'root'), actorView('b1', 'b')];
    expect(shown(actors)).toEqual(['root', '-b', '--b1', '-a']);
  });

  it('loses nobody: neither an orphan nor a circle', () => {
    const actors = [actorView('orphan', 'gone'), actorView('x', 'y'), actorView('y', 'x'), actorView('self', 'self')];
    expect(shown(actors).sort()).toEqual(['-y', 'orphan', 'self', 'x']);
  });
});

describe('links', () => {
  const told = { 'node-b': [linkView('node-a', { rtt_ms: 2 })], 'node-a': [linkView('node-c', { state: 'down' }), linkView('node-b')], 'node-d': null };

  it('are listed by their ends', () => {
    expect(linkRows(told).map((row) => `${row.from} ${row.link.peer}`)).toEqual(['node-a node-b', 'node-a node-c', 'node-b node-a']);
  });

  it('name also those who did not answer and those who were only told of', () => {
    expect(linkNames(told)).toEqual(['node-a', 'node-b', 'node-c', 'node-d']);
  });

  it('are found by direction', () => {
    expect(linkOf(told, 'node-b', 'node-a')?.rtt_ms).toBe(2);
    expect(linkOf(told, 'node-c', 'node-a')).toBeUndefined();
    expect(linkOf(told, 'node-d', 'node-a')).toBeUndefined();
  });
});

describe('nodes', () => {
  const listed = [nodeView('node-10'), nodeView('node-2', { state: 'ready' })];
  const live = { 'node-2': nodeView('node-2', { state: 'draining' }), 'node-3': nodeView('node-3') };

  it('are taken from whichever came last, by number', () => {
    expect(merged(listed, live, true).map((node) => `${node.id} ${node.state}`)).toEqual(['node-2 draining', 'node-3 ready', 'node-10 ready']);
    expect(merged(listed, live, false).map((node) => `${node.id} ${node.state}`)).toEqual(['node-2 ready', 'node-3 ready', 'node-10 ready']);
  });
});

describe('placements', () => {
  it('follow the newer view and leave out who ended or waits', () => {
    const listed = [sessionView('ses_1'), sessionView('ses_2', { revision: 4 }), sessionView('ses_3')];
    const live = {
      ses_1: sessionView('ses_1', { node: 'node-b', revision: 2 }),
      ses_2: sessionView('ses_2', { node: 'node-c', revision: 3 }),
      ses_3: sessionView('ses_3', { state: 'completed', revision: 2 }),
      ses_4: sessionView('ses_4', { state: 'pending', node: null }),
    };
    const placed = byNode(listed, live);
    expect([...placed].map(([node, sessions]) => [node, sessions.map((session) => session.id)])).toEqual([['node-b', ['ses_1']], ['node-a', ['ses_2']]]);
  });
});
