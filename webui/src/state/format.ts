/** Numbers, sizes and times as people read them. Undefined is never shown as a number. */
import type { Dictionary } from '../i18n/en';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** A number with about `digits` significant digits; large ones grouped, tiny ones in powers of ten. */
export function number(value: number, digits = 4): string {
  if (!Number.isFinite(value)) return String(value);
  if (value < 0) return `−${number(-value, digits)}`;
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-4) return value.toExponential(2);
  if (size >= 1e12) return value.toExponential(3);
  if (size >= 1000) return value.toLocaleString('en-US', { maximumFractionDigits: size >= 1e5 ? 0 : 2 });
  return size.toLocaleString('en-US', { maximumSignificantDigits: digits });
}

/** A count with groups of three. */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** A share of one as percent. */
export function percent(ratio: number, digits = 2): string {
  return `${(ratio * 100).toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}\u00a0%`;
}

/** As `percent`, with a plus sign. */
export function signedPercent(ratio: number, digits = 2): string {
  return `${ratio > 0 ? '+' : ratio < 0 ? '−' : ''}${percent(Math.abs(ratio), digits)}`;
}

/** Bytes in binary units. */
export function bytes(value: number): string {
  let rest = value;
  let unit = 0;
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${rest.toLocaleString('en-US', { maximumFractionDigits: rest >= 100 || unit === 0 ? 0 : 1 })} ${UNITS[unit] ?? ''}`;
}

/** A span of seconds by its two largest units. */
export function duration(seconds: number, text: Dictionary): string {
  const whole = Math.max(0, Math.round(seconds));
  const { s, m, h, d } = text.time;
  if (whole < 60) return `${whole} ${s}`;
  if (whole < 3600) return `${Math.floor(whole / 60)} ${m} ${whole % 60} ${s}`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} ${h} ${Math.floor((whole % 3600) / 60)} ${m}`;
  return `${Math.floor(whole / 86_400)} ${d} ${Math.floor((whole % 86_400) / 3600)} ${h}`;
}

/** A span of seconds by its largest unit only. */
export function roughly(seconds: number, text: Dictionary): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} ${text.time.s}`;
  if (whole < 3600) return `${Math.floor(whole / 60)} ${text.time.m}`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} ${text.time.h}`;
  return `${Math.floor(whole / 86_400)} ${text.time.d}`;
}

/** Time of day, UTC. */
export function clock(time: string | number): string {
  return new Date(time).toISOString().slice(11, 19);
}

/** Day, UTC. */
export function day(time: string | number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Day and minute, UTC; bars at midnight show the day alone. */
export function moment(time: string | number): string {
  const iso = new Date(time).toISOString();
  return iso.slice(11, 19) === '00:00:00' ? iso.slice(0, 10) : `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}

/** The distance of two bars. */
export function interval(seconds: number): string {
  if (seconds % 86_400 === 0) return `${seconds / 86_400}d`;
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  if (seconds % 60 === 0) return `${seconds / 60}m`;
  return `${number(seconds)}s`;
}

/** The readable end of an identifier. */
export function shortId(id: string): string {
  const at = id.indexOf('_');
  return at > 0 ? `${id.slice(0, at)}…${id.slice(-6)}` : id;
}
