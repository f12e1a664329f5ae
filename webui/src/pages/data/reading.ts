/** How a file is read and what is done to it: entries of the form, and the words the gateway knows. Pure. */
import type { DatasetKind } from '../../api/types';

/** What the form holds; an empty text leaves the choice to the node. */
export interface Reading {
  dialect: string;
  kind: string;
  timezone: string;
  separator: string;
  instruments: string;
  from: string;
  to: string;
  adjust: string;
  resample: string;
  missing: string;
  /** Most values in a row that are filled in; empty: the node's default. */
  limit: string;
  lookAhead: boolean;
  calendar: string;
}

export const READ_AS_FOUND: Reading = {
  dialect: '', kind: '', timezone: '', separator: '', instruments: '', from: '', to: '', adjust: '', resample: '', missing: '', limit: '', lookAhead: false, calendar: '',
};

export const KINDS: readonly DatasetKind[] = ['bars', 'panel', 'trades', 'book'];
export const MISSING = ['keep', 'drop', 'forward_fill', 'interpolate', 'interpolate_log'] as const;
export const ADJUST = ['backward', 'forward', 'backward_total', 'forward_total'] as const;
export const CALENDARS = ['always_open', 'us_equities', 'forex_week', 'china_a_shares'] as const;
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
  const { limit, lookAhead, missing, instruments, ...plain } = reading;
  const options: Record<string, string> = Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, value.trim()]));
  options['instruments'] = instruments.split(/[,;\s]+/).filter((name) => name !== '').join(',');
  options['missing'] = missing !== '' && fillsIn(missing) && limit.trim() !== '' ? `${missing}:${limit.trim()}` : missing;
  if (interpolates(missing) && lookAhead) options['accept_look_ahead'] = 'true';
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== ''));
}
