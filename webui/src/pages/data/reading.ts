/** How a file is read and what is done to it: entries of the form, and the words the gateway knows. Pure. */
import type { DatasetKind, DerivedDataset } from '../../api/types';

/** What the form holds; an empty text leaves the choice to the node. */
export interface Reading {
  dialect: string;
  kind: string;
  timezone: string;
  clock_change: string;
  separator: string;
  instruments: string;
  from: string;
  to: string;
  adjust: string;
  /** Splits and dividends, one in a line. */
  actions: string;
  resample: string;
  missing: string;
  /** Most values in a row that are filled in; empty: the node's default. */
  limit: string;
  lookAhead: boolean;
  calendar: string;
}

export const READ_AS_FOUND: Reading = {
  dialect: '', kind: '', timezone: '', clock_change: '', separator: '', instruments: '', from: '', to: '', adjust: '', actions: '', resample: '', missing: '', limit: '', lookAhead: false, calendar: '',
};

export const KINDS: readonly DatasetKind[] = ['bars', 'panel', 'trades', 'book'];
export const MISSING = ['keep', 'drop', 'forward_fill', 'interpolate', 'interpolate_log'] as const;
/** Readings of a local time that a change of the clock lets happen twice or never. */
export const CLOCK_CHANGES = ['earlier', 'later'] as const;
export const ADJUST = ['backward', 'forward', 'backward_total', 'forward_total'] as const;
/** Formats that can be asked for; what comes in packed files is imported by other ways. */
export const DIALECTS = [
  'bars', 'yahoo', 'binance_klines', 'stooq', 'stooq_text', 'crypto_history', 'meta_trader', 'futures', 'intraday_panel', 'feature_table', 'binance_trades',
  'binance_aggregate_trades', 'trades', 'book_distances', 'book_levels', 'book_json',
] as const;
export const SEPARATORS = ['comma', 'semicolon', 'tab', 'bar'] as const;

const BAR_PARTS = ['time', 'open', 'high', 'low', 'close', 'adjusted_close', 'volume', 'instrument_column'] as const;
const TRADE_PARTS = ['time', 'price', 'quantity', 'side', 'buyer_is_maker', 'instrument_column'] as const;

export type MappedPart = (typeof BAR_PARTS)[number] | (typeof TRADE_PARTS)[number];

/** Whether a policy looks at later values. */
export function interpolates(missing: string): boolean {
  return missing.startsWith('interpolate');
}

/** Whether a policy has a limit. */
export function fillsIn(missing: string): boolean {
  return missing === 'forward_fill' || interpolates(missing);
}

/** The parts that columns can be given for. */
export function partsOf(kind: string): readonly MappedPart[] {
  return kind === 'trades' ? TRADE_PARTS : BAR_PARTS;
}

/** The entries as query parameters; what is empty or does not apply is left out. */
export function optionsOf(reading: Reading): Record<string, string> {
  const { limit, lookAhead, missing, instruments, actions, ...plain } = reading;
  const options: Record<string, string> = Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, value.trim()]));
  options['instruments'] = parts(instruments, /[,;\s]+/).join(',');
  options['actions'] = parts(actions, /[,;\n]+/).join(',');
  options['missing'] = missing !== '' && fillsIn(missing) && limit.trim() !== '' ? `${missing}:${limit.trim()}` : missing;
  if (interpolates(missing) && lookAhead) options['accept_look_ahead'] = 'true';
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== ''));
}

const parts = (text: string, separator: RegExp): string[] => text.split(separator).map((part) => part.trim()).filter((part) => part !== '');

/** What is done to another data set, as the gateway wants it. */
export type Steps = Omit<DerivedDataset, 'dataset_id'>;

/** The entries as the body of a data set made of another one; what is empty or does not apply is left out. */
export function stepsOf(reading: Reading): Steps {
  const { instruments, actions, accept_look_ahead, ...words } = optionsOf({ ...reading, dialect: '', kind: '', timezone: '', clock_change: '', separator: '' });
  return {
    ...words,
    ...(instruments ? { instruments: instruments.split(',') } : {}),
    ...(actions ? { actions: actions.split(',') } : {}),
    ...(accept_look_ahead ? { accept_look_ahead: true } : {}),
  };
}

/** The entries as flags of `tm data derive`. */
export function flagsOf(steps: Steps): string {
  const flag = ([name, value]: [string, unknown]): string => {
    if (value === true) return `--${name.replaceAll('_', '-')}`;
    if (name === 'actions') return (value as string[]).map((each) => `--action ${each}`).join(' ');
    return `--${name} ${Array.isArray(value) ? value.join(',') : String(value)}`;
  };
  return Object.entries(steps).map(flag).join(' ');
}

/** Names of time zones that the browser knows, to choose from; the node knows more. */
export function zoneNames(): string[] {
  const known = typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : [];
  return ['UTC', ...known.filter((name) => name !== 'UTC')];
}
