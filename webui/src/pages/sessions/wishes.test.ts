/** Wishes about placement: what is read and what is sent. */
import { describe, expect, it } from 'vitest';

import { NO_WISHES, placementOf, readLabels } from './wishes';

describe('wishes about placement', () => {
  it('are none by default', () => {
    expect(placementOf(NO_WISHES)).toEqual({ labels: {}, role: null, node: null, preemptible: true });
  });

  it('read labels as pairs', () => {
    expect(readLabels(' zone = eu,disk=nvme, ')).toEqual({ zone: 'eu', disk: 'nvme' });
    expect(readLabels('')).toEqual({});
  });

  it('refuse what is no pair, a label twice, and too many', () => {
    for (const text of ['zone', 'zone=', '=eu', 'a=b=c', 'zone=eu, zone=us', Array.from({ length: 17 }, (_, n) => `k${n}=v`).join(',')]) {
      expect(readLabels(text), text).toBeNull();
    }
    expect(placementOf({ ...NO_WISHES, labels: 'zone' })).toBeNull();
  });

  it('are sent without spaces around them', () => {
    expect(placementOf({ team: '', node: 'node-b', role: ' trainer ', labels: 'zone=eu', preemptible: false })).toEqual({ labels: { zone: 'eu' }, role: 'trainer', node: 'node-b', preemptible: false });
  });
});
