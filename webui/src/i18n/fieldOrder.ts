/** In which order settings are read. The gateway's documents sort keys; what is not named here follows as it comes. */
const ORDER = [
  '/environment', '/environment/truth', '/environment/initial_cash', '/environment/backward_bars', '/environment/max_volume',
  '/environment/lot_share', '/environment/position_limit_lots', '/environment/allow_short', '/environment/forward_bars', '/environment/future_weight',
  '/features', '/features/set', '/features/normalisation',
  '/agent', '/agent/hidden', '/agent/gamma', '/agent/learning_rate', '/agent/batch_size', '/agent/replay_capacity', '/agent/warmup_steps',
  '/agent/steps_per_update', '/agent/target_tau', '/agent/gradient_norm_max', '/agent/reward_scale', '/agent/epsilon',
  '/agent/epsilon/start', '/agent/epsilon/end', '/agent/epsilon/decay_steps',
  '/matching', '/matching/fee_rate', '/matching/slippage_bps', '/matching/fill',
  '/risk', '/risk/max_position', '/risk/max_notional',
  '/epochs', '/seed', '/checkpoint_every_seconds', '/policy', '/segment', '/split', '/split/train', '/split/valid', '/split/purge_bars',
];

const PLACE = new Map(ORDER.map((pointer, place) => [pointer, place]));

/** The place of a setting among its neighbours. */
export function placeOf(pointer: string): number {
  return PLACE.get(pointer) ?? ORDER.length;
}
