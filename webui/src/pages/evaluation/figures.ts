/** The figures of a tear sheet with their group and unit, in the order of the sheet (engine `metrics/figure.rs`). */
import type { Dictionary } from '../../i18n/en';
import { count, number, percent, signedPercent } from '../../state/format';

export type FigureGroup = keyof Dictionary['evaluation']['groups'];
type Unit = 'ratio' | 'per_year' | 'none' | 'bars' | 'count' | 'money';

/** One figure. */
export interface Figure {
  name: string;
  group: FigureGroup;
  unit: Unit;
}

const of = (group: FigureGroup, unit: Unit, ...names: string[]): Figure[] => names.map((name) => ({ name, group, unit }));

export const FIGURES: readonly Figure[] = [
  ...of('return', 'ratio', 'total_return'),
  ...of('return', 'per_year', 'annual_return'),
  ...of('return', 'ratio', 'best_day', 'worst_day', 'best_month', 'worst_month', 'positive_days', 'positive_months'),
  ...of('risk', 'per_year', 'volatility', 'downside_deviation'),
  ...of('risk', 'ratio', 'max_drawdown', 'average_drawdown'),
  ...of('risk', 'count', 'drawdown_count'),
  ...of('risk', 'bars', 'longest_drawdown'),
  ...of('risk', 'ratio', 'time_under_water', 'ulcer_index', 'pain_index', 'value_at_risk', 'value_at_risk_gaussian', 'value_at_risk_modified', 'expected_shortfall', 'expected_shortfall_gaussian', 'expected_shortfall_modified'),
  ...of('risk', 'none', 'skewness', 'kurtosis', 'tail_ratio', 'autocorrelation'),
  ...of('ratio', 'none', 'sharpe', 'sortino', 'calmar', 'calmar_36_months', 'omega', 'gain_to_pain', 'recovery_factor', 'ulcer_performance', 'pain_ratio', 'common_sense_ratio', 'stability'),
  ...of('bar', 'ratio', 'hit_rate'),
  ...of('bar', 'none', 'profit_factor', 'payoff_ratio'),
  ...of('bar', 'ratio', 'expectancy'),
  ...of('bar', 'bars', 'consecutive_wins', 'consecutive_losses'),
  ...of('bar', 'ratio', 'kelly_two_outcomes'),
  ...of('bar', 'none', 'kelly_continuous'),
  ...of('trade', 'count', 'trade_count'),
  ...of('trade', 'ratio', 'win_rate'),
  ...of('trade', 'none', 'trade_profit_factor', 'trade_payoff_ratio'),
  ...of('trade', 'money', 'trade_expectancy', 'best_trade', 'worst_trade'),
  ...of('trade', 'bars', 'holding_mean', 'holding_median', 'holding_longest'),
  ...of('activity', 'per_year', 'turnover'),
  ...of('activity', 'ratio', 'gross_exposure', 'net_exposure', 'time_in_market', 'cost_share'),
  ...of('activity', 'per_year', 'cost_rate'),
  ...of('activity', 'none', 'capacity_scale'),
  ...of('activity', 'ratio', 'capacity_participation'),
  ...of('activity', 'money', 'capacity_value'),
  ...of('benchmark', 'ratio', 'benchmark_return', 'excess_return'),
  ...of('benchmark', 'per_year', 'alpha'),
  ...of('benchmark', 'none', 'beta', 'correlation'),
  ...of('benchmark', 'ratio', 'r_squared'),
  ...of('benchmark', 'per_year', 'tracking_error'),
  ...of('benchmark', 'none', 'information_ratio'),
  ...of('benchmark', 'per_year', 'treynor'),
  ...of('benchmark', 'ratio', 'up_capture', 'down_capture'),
];

export const GROUPS: readonly FigureGroup[] = [...new Set(FIGURES.map((figure) => figure.group))];

/** Shares that carry a sign: a gain or a loss. */
const SIGNED = new Set(['total_return', 'annual_return', 'best_day', 'worst_day', 'best_month', 'worst_month', 'benchmark_return', 'excess_return', 'alpha', 'expectancy']);
/** Per year, but no share. */
const PLAIN = new Set(['turnover', 'treynor']);

/** A figure's value; `null` reads "not defined". */
export function figureText(figure: Figure, value: number | null | undefined, text: Dictionary): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return text.common.notDefined;
  if (SIGNED.has(figure.name)) return signedPercent(value);
  switch (figure.unit) {
    case 'ratio':
      return percent(value);
    case 'per_year':
      return PLAIN.has(figure.name) ? number(value) : percent(value);
    case 'bars':
    case 'none':
    case 'money':
      return number(value);
    case 'count':
      return count(value);
  }
}

/** A figure's name in the reader's language; one that is not known yet by its own name. */
export function figureName(name: string, text: Dictionary): string {
  const known: Record<string, string> = text.evaluation.figures;
  return known[name] ?? name.replaceAll('_', ' ');
}
