/** Why a test was passed or not, in the reader's language, made of the parameters that come with it. Pure. */
import type { EvaluationCheck } from '../../api/types';
import type { Dictionary } from '../../i18n/en';
import { count, number, percent, signedPercent } from '../../state/format';
import { policyName } from '../reports/policyName';

/** The reason of a test; the engine's own English sentence where its code or its parameters are not known here. */
export function reasonText(check: EvaluationCheck, text: Dictionary): string {
  const { reasons } = text.evaluation;
  const { params } = check;
  const has = (...names: string[]): boolean => names.every((name) => name in params);
  const written = (name: string, write: (value: number) => string): string => {
    const value = params[name];
    return typeof value === 'number' && Number.isFinite(value) ? write(value) : text.common.notDefined;
  };
  const share = (name: string) => written(name, (value) => percent(value, 1));
  const gain = (name: string) => written(name, signedPercent);
  const plain = (name: string) => written(name, number);
  const whole = (name: string) => written(name, (value) => count(Math.ceil(value)));
  const baseline = policyName(String(params['baseline'] ?? ''), text);
  switch (check.code) {
    case 'causality':
      // What went wrong is told by the engine alone.
      return check.outcome === 'passed' && has('cuts') ? reasons.causality(whole('cuts')) : check.detail;
    case 'dsr':
      return has('wanted', 'found', 'trials') ? reasons.dsr(share('wanted'), share('found'), whole('trials')) : check.detail;
    case 'psr':
    case 'pbo':
    case 'random':
      return has('wanted', 'found') ? reasons[check.code](share('wanted'), share('found')) : check.detail;
    case 'costs':
      return has('multiplier', 'found') ? reasons.costs(plain('multiplier'), gain('found')) : check.detail;
    case 'interval_sharpe':
      return has('low', 'high') ? reasons.interval_sharpe(plain('low'), plain('high')) : check.detail;
    case 'track_record':
      return has('wanted', 'found') && params['wanted'] !== null ? reasons.track_record(whole('wanted'), whole('found')) : check.detail;
    case 'baselines':
      return has('baseline', 'wanted', 'found') ? reasons.baselines(baseline, gain('wanted'), gain('found')) : check.detail;
    case 'spa':
      return has('wanted', 'found', 'candidates', 'baseline') ? reasons.spa(plain('wanted'), plain('found'), whole('candidates'), baseline) : check.detail;
    case 'folds':
      return has('count', 'found') ? reasons.folds(whole('count'), whole('found')) : check.detail;
    case 'seeds':
      return has('count', 'low') ? reasons.seeds(whole('count'), gain('low')) : check.detail;
    default:
      return check.detail;
  }
}
