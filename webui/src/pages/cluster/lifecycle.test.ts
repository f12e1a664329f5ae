/** What a node's state allows. */
import { describe, expect, it } from 'vitest';

import { shownState, verbsOf } from './lifecycle';

describe('commands to a node', () => {
  it.each([
    ['joining', true, ['decommission']],
    ['ready', true, ['cordon', 'drain']],
    ['ready', false, ['cordon', 'drain', 'decommission']],
    ['cordoned', true, ['uncordon', 'drain']],
    ['draining', true, ['undrain']],
    ['drained', true, ['undrain', 'decommission']],
    ['left', false, []],
    ['something new', true, []],
  ])('%s, up %s: %j', (state, up, verbs) => {
    expect(verbsOf({ state, up }, false)).toEqual(verbs);
  });

  it('the only node of a cluster cannot leave it', () => {
    for (const state of ['joining', 'ready', 'drained']) expect(verbsOf({ state, up: true }, true)).not.toContain('decommission');
  });

  it('a node without a lease is shown as down, whatever was wanted of it', () => {
    expect(shownState({ state: 'draining', up: false })).toBe('down');
    expect(shownState({ state: 'draining', up: true })).toBe('draining');
    expect(shownState({ state: 'left', up: false })).toBe('left');
    expect(shownState({ state: 'joining', up: false })).toBe('joining');
    expect(shownState({ state: 'something new', up: true })).toBeNull();
  });
});
