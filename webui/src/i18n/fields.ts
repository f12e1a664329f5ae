/** Names of settings for the form, by their place in the configuration; what is missing falls back to the schema. */
export interface FieldText {
  label: string;
  help?: string;
}

export type FieldTexts = Record<string, FieldText>;
