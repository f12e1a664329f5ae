/** The reader's language. Chinese is loaded when it is first wanted. */
import { create } from 'zustand';

import { type Dictionary, en } from './en';
import { enFields } from './enFields';
import type { FieldTexts } from './fields';

export type Language = 'en' | 'zh';

interface Texts {
  language: Language;
  text: Dictionary;
  fields: FieldTexts;
}

/** The texts in use. */
export const useTexts = create<Texts>(() => ({ language: 'en', text: en, fields: enFields }));

/** The dictionary of the reader's language. */
export function useText(): Dictionary {
  return useTexts((texts) => texts.text);
}

/** Switches the language once its texts are here. */
export async function setLanguage(language: Language): Promise<void> {
  if (language === 'en') {
    useTexts.setState({ language, text: en, fields: enFields });
  } else {
    const [{ zh }, { zhFields }] = await Promise.all([import('./zh'), import('./zhFields')]);
    useTexts.setState({ language, text: zh, fields: zhFields });
  }
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
}
