/** Range and default of a number in words. */
import type { Dictionary } from '../i18n/en';
import type { FieldNode, NumberNode } from './schema';

const UNLIMITED = new Set([4_294_967_295, 2_147_483_647, Number.MAX_SAFE_INTEGER]);

function plain(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6 && Number.isInteger(Math.log10(size))) return value.toExponential(0).replace('e+', 'e');
  if (size !== 0 && size < 1e-3) return value.toExponential().replace('e+', 'e');
  return value.toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** For example `0 to 1 · default 0.9`; undefined where there is nothing to say. */
export function rangeHint(node: NumberNode, text: Dictionary): string | undefined {
  const max = node.max !== undefined && UNLIMITED.has(node.max) ? undefined : node.max;
  const parts: string[] = [];
  if (node.min !== undefined && max !== undefined) parts.push(text.form.range(plain(node.min), plain(max)));
  else if (node.min !== undefined) parts.push(text.form.atLeast(plain(node.min)));
  else if (max !== undefined) parts.push(text.form.atMost(plain(max)));
  const fallback = defaultHint(node, text);
  if (fallback) parts.push(fallback);
  return parts.length > 0 ? parts.join(' · ') : undefined;
}

/** The default of a field in words. */
export function defaultHint(node: FieldNode, text: Dictionary): string | undefined {
  const value = node.fallback;
  if (value === undefined) return undefined;
  if (value === null) return text.form.defaultIs(text.form.unset);
  if (typeof value === 'number') return text.form.defaultIs(plain(value));
  if (Array.isArray(value)) return text.form.defaultIs(value.join(', '));
  return undefined;
}
