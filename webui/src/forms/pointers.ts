/** Values and errors by JSON pointer (RFC 6901). */
import type { Violation } from '../api/types';

/** Adds a key to a pointer. */
export function below(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The keys of a pointer. */
export function keysOf(pointer: string): string[] {
  return pointer === '' ? [] : pointer.slice(1).split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A copy of `root` in which the value at `pointer` is another. */
export function withValue(root: unknown, pointer: string, value: unknown): unknown {
  const [key, ...rest] = keysOf(pointer);
  if (key === undefined) return value;
  const tail = rest.map((each) => below('', each)).join('');
  if (Array.isArray(root)) return root.map((each, index) => (String(index) === key ? withValue(each, tail, value) : each));
  const object = typeof root === 'object' && root !== null ? (root as Record<string, unknown>) : {};
  return { ...object, [key]: withValue(object[key], tail, value) };
}

/** The errors that belong to a field: those at its pointer and, for a list, those at its items. */
export function errorsAt(errors: Violation[], pointer: string, withItems = false): Violation[] {
  return errors.filter((error) => error.pointer === pointer || (withItems && error.pointer.startsWith(`${pointer}/`)));
}

/** The DOM id of a field's input. */
export function fieldId(pointer: string): string {
  return `field${pointer.replaceAll('/', '-')}`;
}

/** A pointer as a person reads it: `agent › epsilon › start`. */
export function readable(pointer: string): string {
  return keysOf(pointer).map(humanised).join(' › ');
}

/** A key as a label: `learning_rate` becomes `Learning rate`. */
export function humanised(key: string): string {
  const words = key.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** How many leaves differ between two values. */
export function differences(left: unknown, right: unknown): number {
  if (Object.is(left, right)) return 0;
  if (isObject(left) && isObject(right)) {
    const names = new Set([...Object.keys(left), ...Object.keys(right)]);
    return [...names].reduce((sum, name) => sum + differences(left[name], right[name]), 0);
  }
  return JSON.stringify(left) === JSON.stringify(right) ? 0 : 1;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The names under which the text of a pointer is looked for, the most exact first: itself, with `*` for places in lists,
 * then its ends (`~/window`), so that what stands in several places is said once.
 */
export function textKeys(pointer: string): string[] {
  const starred = keysOf(pointer).map((key) => (/^\d+$/.test(key) ? '*' : key));
  const whole = `/${starred.join('/')}`;
  const ends = starred.slice(1).map((_, index) => `~/${starred.slice(index + 1).join('/')}`);
  return [...new Set([pointer, whole, `~${whole}`, ...ends])];
}

/** A list with the entry at `from` put at `to`. */
export function moved<T>(list: T[], from: number, to: number): T[] {
  const next = [...list];
  const [item] = next.splice(from, 1);
  if (item !== undefined) next.splice(to, 0, item);
  return next;
}
