/** How a metric is written and which charts it belongs to. */
import type { Dictionary } from '../i18n/en';
import { number, percent, signedPercent } from './format';

const SHARES = new Set(['volatility', 'max_drawdown', 'win_rate', 'valid_max_drawdown', 'episode_drawdown', 'epsilon']);
const SIGNED_SHARES = new Set(['total_return', 'valid_total_return']);

/** Metrics where a smaller value is the better one. */
export const SMALLER_IS_BETTER = new Set(['volatility', 'max_drawdown', 'turnover']);

/** A metric's value; `null` reads "not defined". */
export function metricText(name: string, value: number | null | undefined, text: Dictionary): string {
  if (value === null || value === undefined || Number.isNaN(value)) return text.common.notDefined;
  if (SIGNED_SHARES.has(name)) return signedPercent(value);
  if (SHARES.has(name)) return percent(value);
  return number(value);
}

/** A metric's name in the reader's language. */
export function metricName(name: string, text: Dictionary): string {
  const known: Record<string, string> = text.metrics;
  return known[name] ?? name.replaceAll('_', ' ');
}

/** Whether an axis of this metric counts percent. */
export function isShare(name: string): boolean {
  return SHARES.has(name) || SIGNED_SHARES.has(name);
}

/** One chart of a session's overview. */
export interface ChartGroup {
  title: keyof Dictionary['session']['charts'];
  names: string[];
}

/** The overview's charts, in reading order. */
export const OVERVIEW: ChartGroup[] = [
  { title: 'loss', names: ['loss'] },
  { title: 'reward', names: ['episode_return'] },
  { title: 'drawdown', names: ['episode_drawdown'] },
  { title: 'validation', names: ['valid_total_return'] },
  { title: 'sharpe', names: ['valid_sharpe'] },
  { title: 'risk', names: ['valid_max_drawdown'] },
];
