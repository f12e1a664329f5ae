/** The first rows of a file. */
import { describe, expect, it } from 'vitest';

import { previewOf, splitLine } from './preview';

describe('a preview', () => {
  it('finds the separator, drops the byte order mark, keeps five rows', () => {
    const text = `\uFEFFdate;open;close\n${Array.from({ length: 9 }, (_, index) => `2024-01-0${index};1;2`).join('\n')}`;
    expect(previewOf(text).header).toEqual(['date', 'open', 'close']);
    expect(previewOf(text).rows).toHaveLength(5);
  });

  it('keeps separators and quotes inside quotes', () => {
    expect(splitLine('a,"b,""c""",d', ',')).toEqual(['a', 'b,"c"', 'd']);
  });

  it('survives an empty file', () => {
    expect(previewOf('')).toEqual({ header: [''], rows: [] });
  });
});
