/** What the ledger says in short. */
import { describe, expect, it } from 'vitest';

import type { TrialList } from '../../api/types';
import { en } from '../../i18n/en';
import { independentText, seedsText } from './TrialsCard';

const list = (independent: TrialList['independent']): TrialList => ({ items: [], next_cursor: null, as_of: '', started_count: 4, independent });

describe('the trials of a strategy', () => {
  it('show seeds in short, and models by their number', () => {
    expect(seedsText([], en)).toBe('');
    expect(seedsText(['7'], en)).toBe('7');
    expect(seedsText(['0', '1', '2'], en)).toBe('0 to 2 (3)');
    expect(seedsText(['ses_a', 'ses_b'], en)).toBe('2 models');
  });

  it('amount to what the newest evaluation counted, where there is one', () => {
    expect(independentText(list(null), en)).toBe(en.trials.notJudged);
    expect(independentText(list({ session_id: 'ses_1', trials: 3, trials_effective: 2 }), en)).toContain('2 independent ones among the 3');
    expect(independentText(list({ session_id: 'ses_1', trials: 3, trials_effective: null }), en)).toContain('not defined');
  });
});
