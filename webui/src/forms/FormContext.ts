/** What every field of a form needs from its form. */
import { createContext, type ReactNode, useContext } from 'react';

import type { Violation } from '../api/types';
import { useTexts } from '../i18n';
import { textOf } from '../i18n/fields';
import { humanised, keysOf } from './pointers';
import type { TextNode } from './schema';

/** A custom input for a text field, for example a list of sessions where an identifier is wanted. */
export type TextInput = (props: { id: string; value: string; node: TextNode; describedBy: string; onChange: (value: string) => void }) => ReactNode;

export interface FormControl {
  errors: Violation[];
  readOnly: boolean;
  set: (pointer: string, value: unknown) => void;
  /** Custom inputs for texts by the beginning of their pattern. */
  inputs: Record<string, TextInput>;
  /** Pointers that are not shown because something else decides them. */
  hidden: ReadonlySet<string>;
}

export const FormContext = createContext<FormControl>({ errors: [], readOnly: true, set: () => undefined, inputs: {}, hidden: new Set() });

/** The form around a field. */
export function useForm(): FormControl {
  return useContext(FormContext);
}

/** Label and help of a field or of one of its choices, in the reader's language. */
export function useFieldText(): (pointer: string, help: string | undefined, choice?: string) => { label: string; help: string | undefined } {
  const { fields, language } = useTexts();
  return (pointer, help, choice) => {
    const known = textOf(fields, pointer, choice);
    const key = choice ?? keysOf(pointer).at(-1) ?? '';
    const schemaHelp = language === 'en' || known === undefined ? help : undefined;
    return { label: known?.label ?? humanised(key), help: known?.help ?? schemaHelp };
  };
}
