/** Names of settings for the form, by their place in the configuration; what is missing falls back to the schema. */
import { textKeys } from '../forms/pointers';

export interface FieldText {
  label: string;
  help?: string;
}

export type FieldTexts = Record<string, FieldText>;

/** The text of a field or of one of its choices: for its very place, else for the nearest end of it. */
export function textOf(fields: FieldTexts, pointer: string, choice?: string): FieldText | undefined {
  const end = choice === undefined ? '' : `=${choice}`;
  for (const key of textKeys(pointer)) {
    const found = fields[key + end];
    if (found) return found;
  }
  return undefined;
}
