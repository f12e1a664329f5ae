/** In which order settings are read. The gateway's documents sort keys; what is not named here follows as it comes. */
import { textKeys } from '../forms/pointers';

const ORDER = [
  '/environment', '/environment/truth', '/environment/side', '/environment/amount', '/environment/horizon_steps', '/environment/initial_cash',
  '/environment/backward_bars', '/environment/window_bars', '/environment/window_snapshots', '/environment/window_steps', '/environment/max_volume',
  '/environment/lot_share', '/environment/position_limit_lots', '/environment/max_holding', '/environment/holding_steps', '/environment/allow_short',
  '/environment/units', '/environment/lot_units', '/environment/dividends', '/environment/absent_bars_max',
  '/environment/tick_size', '/environment/offset_unit', '/environment/offset_max', '/environment/time_in_force_steps', '/environment/queue',
  '/environment/forward_bars', '/environment/future_weight',
  '/features', '/features/set', '/features/normalisation', '/features/list', '/features/list/*/text', '/features/list/*/column',
  '/features/list/*/estimator', '/features/list/*/window', '/features/list/*/fast', '/features/list/*/slow', '/features/list/*/smooth',
  '/features/list/*/signal', '/features/list/*/width',
  '/agent', '/agent/hidden', '/agent/gamma', '/agent/learning_rate', '/agent/batch_size', '/agent/replay_capacity', '/agent/warmup_steps',
  '/agent/steps_per_update', '/agent/target_tau', '/agent/gradient_norm_max', '/agent/reward_scale', '/agent/epsilon',
  '/agent/epsilon/start', '/agent/epsilon/end', '/agent/epsilon/decay_steps', '~/window_max', '~/levels', '~/kept', '~/covariance', '~/covariance/window',
  '~/covariance/estimator', '~/slices', '~/horizon_days', '~/volatility', '~/permanent_impact', '~/temporary_impact', '~/fixed_cost', '~/entry', '~/exit',
  '/matching', '/matching/fee_rate', '/matching/slippage_bps', '/matching/fill',
  '/risk', '/risk/max_position', '/risk/max_notional',
  '/seal', '/seal/share',
  '/epochs', '/checkpoint_every_seconds', '/policy', '/segment',
  '/scheme', '/scheme/window', '/scheme/train_bars', '/scheme/test_bars', '/scheme/groups', '/scheme/tested', '/cost_multipliers', '/seeds', '/causality_cuts', '/oracle', '/baselines', '/explainability', '/seed',
  '/bootstrap', '/bootstrap/resamples', '/bootstrap/block_bars', '/bootstrap/confidence', '/regimes', '/regimes/enabled', '/thresholds',
  '/thresholds/deflated_sharpe', '/thresholds/overfitting', '/thresholds/cost_multiplier', '/thresholds/p_value',
  '~/indicator', '~/time', '~/ticker', '~/label_count', '~/method', '~/slope_low', '~/slope_high', '~/min_length', '~/max_length', '~/filter_strength',
  '~/merge_threshold', '~/merge_label_gap_max', '~/merge_metric', '~/truth',
  '/split', '/split/train', '/split/valid', '/split/purge_bars',
];

const PLACE = new Map(ORDER.map((pointer, place) => [pointer, place]));

/** The place of a setting among its neighbours. */
export function placeOf(pointer: string): number {
  for (const key of textKeys(pointer)) {
    const place = PLACE.get(key);
    if (place !== undefined) return place;
  }
  return ORDER.length;
}
