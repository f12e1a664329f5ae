/** One verdict and its notices for every state a cluster can be in. */
import { describe, expect, it } from 'vitest';

import { clusterView, nodeView } from '../../testing/cluster';
import { majority, notices, verdictOf } from './health';

const kinds = (...given: Parameters<typeof notices>) => notices(...given).map((notice) => notice.kind);
const THREE = [nodeView('node-a'), nodeView('node-b'), nodeView('node-c')];

describe('the state of the cluster', () => {
  it('is healthy and silent when everybody is up', () => {
    expect(kinds(clusterView(), THREE)).toEqual([]);
    expect(verdictOf(clusterView(), THREE)).toBe('healthy');
  });

  it('says of a lone node only that nothing is to be set up', () => {
    const alone = clusterView({ alone: true, voter_count: 1, voters_up: 1, losses_tolerated: 0 });
    expect(kinds(alone, [nodeView('node-1')])).toEqual(['alone']);
    expect(verdictOf(alone, [nodeView('node-1')])).toBe('healthy');
  });

  it('names the missing majority first, with how many are needed', () => {
    const cluster = clusterView({ quorum: false, leader: null, voter_count: 5, voters_up: 2, losses_tolerated: 0 });
    const nodes = [...THREE, nodeView('node-d', { up: false, down_since: '2026-01-01T00:00:00.000Z', reason: 'lease over' })];
    expect(notices(cluster, nodes)).toEqual([
      { kind: 'noMajority', up: 2, all: 5, needed: 3 },
      { kind: 'down', node: 'node-d', since: '2026-01-01T00:00:00.000Z', reason: 'lease over', moves: false },
    ]);
    expect(verdictOf(cluster, nodes)).toBe('no_majority');
  });

  it('warns of a node that is down and of no spare voter', () => {
    const cluster = clusterView({ voters_up: 2, losses_tolerated: 0 });
    const nodes = [nodeView('node-a'), nodeView('node-b'), nodeView('node-c', { up: false })];
    expect(kinds(cluster, nodes)).toEqual(['down', 'noSpare']);
    expect(verdictOf(cluster, nodes)).toBe('degraded');
  });

  it('warns of two voters, and of an election', () => {
    const two = clusterView({ voter_count: 2, voters_up: 2, losses_tolerated: 0 });
    expect(kinds(two, THREE.slice(0, 2))).toEqual(['twoVoters']);
    expect(kinds(clusterView({ leader: null }), THREE)).toEqual(['noLeader']);
  });

  it('takes neither a node that joins nor one that left for a loss', () => {
    const nodes = [...THREE, nodeView('new', { state: 'joining', up: false }), nodeView('old', { state: 'left', up: false })];
    expect(kinds(clusterView(), nodes)).toEqual([]);
  });

  it('tells of different versions without alarm', () => {
    const nodes = [nodeView('node-a'), nodeView('node-b', { version: '0.3.0' })];
    expect(notices(clusterView(), nodes)).toEqual([{ kind: 'versions', list: '0.2.0, 0.3.0' }]);
    expect(verdictOf(clusterView(), nodes)).toBe('healthy');
  });

  it.each([[1, 1], [2, 2], [3, 2], [4, 3], [5, 3]])('of %d voters %d are a majority', (voters, needed) => {
    expect(majority(voters)).toBe(needed);
  });
});
