/** English names for settings whose keys alone read badly; everything else is taken from key and schema. */
import { enTaskFields } from './enTaskFields';
import type { FieldTexts } from './fields';

export const enFields: FieldTexts = {
  ...enTaskFields,
  '/split': { label: 'Data split' },
  '/split/train': { label: 'Training share' },
  '/split/valid': { label: 'Validation share' },
  '/checkpoint_every_seconds': { label: 'Seconds between checkpoints' },
  '/policy': { label: 'Policy' },
  '/policy/source=strategy': { label: 'The strategy’s rule' },
  '/policy/source=session': { label: 'Best model of a training session' },
  '/policy/session_id': { label: 'Training session' },

  '~/truth=corrected': { label: 'Corrected', help: 'Sound: nothing looks ahead.' },
  '~/truth=faithful': { label: 'Faithful', help: 'The reference system’s, for verification only.' },
  '~/indicator': { label: 'Column to label' },
  '~/time': { label: 'Column of times' },
  '~/ticker': { label: 'Column of tickers' },
  '~/filter_strength': { label: 'Filter strength' },
  '~/min_length': { label: 'Shortest segment, rows' },
  '~/max_length': { label: 'Not merged from, rows' },
  '~/label_count': { label: 'Number of labels' },
  '~/slope_low': { label: 'Lower slope bound' },
  '~/slope_high': { label: 'Upper slope bound' },
  '~/merge_metric=dtw_distance': { label: 'Time-warped distance' },
  '~/merge_threshold': { label: 'Merge below distance' },
  '~/merge_label_gap_max': { label: 'Largest label gap to merge' },
  '~/method=quantile': { label: 'By quantiles' },
  '~/method=slope': { label: 'By slope bounds' },
  '~/method=dtw': { label: 'By time warping (k-means)' },
};
