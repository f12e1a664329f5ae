/** Presets change what they name and nothing else. */
import { describe, expect, it } from 'vitest';

import type { FieldNode } from '../../forms/schema';
import { presetOf, PRESETS, withPreset } from './presets';

const number = (): FieldNode => ({ kind: 'number', integer: false, min: undefined, max: undefined, help: undefined, fallback: undefined, nullable: false });
const node = (...names: string[]): FieldNode => ({ kind: 'object', help: undefined, fallback: undefined, nullable: false, fields: names.map((name) => [name, number()]) });

describe('presets of a labelling', () => {
  it('fill in their fields and leave the others', () => {
    const all = node('label_count', 'min_length', 'max_length', 'merge_threshold', 'seed');
    expect(withPreset(all, { seed: 7, label_count: 9 }, 'five')).toEqual({ seed: 7, ...PRESETS.five });
  });

  it('add no field that the form does not have', () => {
    expect(withPreset(node('label_count'), {}, 'daily')).toEqual({ label_count: 3 });
  });

  it('are recognised, and a changed one is nobody’s', () => {
    for (const [name, values] of Object.entries(PRESETS)) expect(presetOf({ ...values, seed: 1 })).toBe(name);
    expect(presetOf({ ...PRESETS.daily, label_count: 4 })).toBeNull();
  });
});
