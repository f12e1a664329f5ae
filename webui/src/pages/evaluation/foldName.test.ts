/** Stretches have names in both languages. */
import { describe, expect, it } from 'vitest';

import { en } from '../../i18n/en';
import { zh } from '../../i18n/zh';
import { foldName } from './foldName';

describe('the name of a stretch', () => {
  it.each([
    ['block 1', 'Block 1', '第 1 块'],
    ['group 12', 'Group 12', '第 12 组'],
    ['2021', '2021', '2021'],
    ['block x', 'block x', 'block x'],
  ])('%s', (name, english, chinese) => {
    expect([foldName(name, en), foldName(name, zh)]).toEqual([english, chinese]);
  });
});
