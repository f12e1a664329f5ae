/** Labels are told apart without colour, and the coloured pieces make one line. */
import { describe, expect, it } from 'vitest';

import { en } from '../i18n/en';
import { regimeColour, regimeName, regimeSeries } from './regimes';

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

describe('colours of labels', () => {
  it.each([2, 3, 4, 5, 7, 16])('grow lighter from each to the next of %i', (count) => {
    const lights = Array.from({ length: count }, (_, label) => luminance(regimeColour(label, count)));
    lights.slice(1).forEach((light, index) => expect(light).toBeGreaterThan(lights[index] ?? 1));
  });

  it('begin dark purple, pass blue, end light orange', () => {
    expect([0, 1, 2].map((label) => regimeColour(label, 3))).toEqual(['#3b0f6f', '#2f6fd0', '#ffc07a']);
    expect(regimeColour(1, 2)).toBe('#ffc07a');
  });

  it('are colours whatever the number', () => {
    for (const [label, count] of [[0, 1], [9, 3], [-1, 3], [63, 64]] as const) expect(regimeColour(label, count)).toMatch(/^#[0-9a-f]{6}$/);
  });
});

describe('names of labels', () => {
  it('say the ends and, where there is one, the middle', () => {
    expect([0, 1, 2].map((label) => regimeName(label, 3, en))).toEqual(['steepest fall', 'middle', 'steepest rise']);
    expect([0, 1, 2, 3].map((label) => regimeName(label, 4, en))).toEqual(['steepest fall', '', '', 'steepest rise']);
    expect([0, 1].map((label) => regimeName(label, 2, en))).toEqual(['steepest fall', 'steepest rise']);
  });
});

describe('series of labels', () => {
  it('hold each point under its label, and where the label changes under both', () => {
    expect(regimeSeries({ values: [1, 2, 3, 4], labels: [0, 0, 1, 0] }, 2)).toEqual([
      [1, 2, 3, 4],
      [null, null, 3, 4],
    ]);
  });

  it('leave out what is not finite and labels that are not there', () => {
    expect(regimeSeries({ values: [1, Number.NaN, 3], labels: [0, 0, 7] }, 2)).toEqual([[1, null, 3], [null, null, null]]);
  });
});
