/** Numbers as people type them. What is no number stays as typed, so that nothing is silently changed. */
import type { Violation } from '../api/types';
import type { FieldNode, NumberNode } from './schema';
import { below } from './pointers';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** The typed text as a number, or the text itself. */
export function typed(text: string): number | string {
  const plain = text.trim().replace('−', '-');
  return NUMBER.test(plain) ? Number(plain) : text;
}

/** A number or what was typed instead, as text for the input. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  return String(value);
}

/** Numbers separated by commas, semicolons or blanks. */
export function typedList(text: string): (number | string)[] {
  return text.split(/[,;\s]+/).filter((part) => part !== '').map(typed);
}

/** What the browser alone can see to be wrong, before the node is asked. */
export function checkTree(node: FieldNode, value: unknown, pointer = ''): Violation[] {
  if (value === null && node.nullable) return [];
  switch (node.kind) {
    case 'number':
      return checkNumber(node, value, pointer);
    case 'list':
      return Array.isArray(value) ? value.flatMap((item, index) => checkNumber(node.item, item, below(pointer, index))) : [];
    case 'items':
      return Array.isArray(value) ? value.flatMap((item, index) => checkTree(node.item, item, below(pointer, index))) : [];
    case 'object':
      return checkFields(node.fields, value, pointer);
    case 'variants': {
      const tag = (value as Record<string, unknown> | null)?.[node.tag];
      const variant = node.variants.find((each) => each.value === tag);
      return variant ? checkFields(variant.fields, value, pointer) : [];
    }
    case 'text':
    case 'flag':
    case 'choice':
    case 'other':
      return [];
  }
}

function checkFields(fields: [string, FieldNode][], value: unknown, pointer: string): Violation[] {
  const object = (value ?? {}) as Record<string, unknown>;
  return fields.flatMap(([name, field]) => (object[name] === undefined ? [] : checkTree(field, object[name], below(pointer, name))));
}

function checkNumber(node: NumberNode, value: unknown, pointer: string): Violation[] {
  const wrong = (code: string, detail: string, params: Record<string, unknown> = {}): Violation[] => [{ pointer, code, detail, params }];
  if (typeof value !== 'number' || Number.isNaN(value)) return wrong('not_a_number', 'not a number');
  if (node.integer && !Number.isInteger(value)) return wrong('not_an_integer', 'not a whole number');
  if (node.min !== undefined && value < node.min) return wrong('out_of_range', `must be at least ${node.min}`, { min: node.min, max: node.max });
  if (node.max !== undefined && value > node.max) return wrong('out_of_range', `must be at most ${node.max}`, { min: node.min, max: node.max });
  return [];
}
