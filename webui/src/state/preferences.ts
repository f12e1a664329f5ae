/** What this browser remembers of its reader: language, appearance, colour convention. Nothing secret. */
import { create } from 'zustand';

import { type Language, setLanguage } from '../i18n';

export type Theme = 'auto' | 'light' | 'dark';
export type Gains = 'auto' | 'green' | 'red';

export interface Preferences {
  language: Language;
  theme: Theme;
  gains: Gains;
}

const KEY = 'tm-preferences';

function stored(): Preferences {
  const guess: Language = navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
  const fallback: Preferences = { language: guess, theme: 'auto', gains: 'auto' };
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>;
    return { ...fallback, ...found };
  } catch {
    return fallback;
  }
}

/** The preferences as a store. */
export const usePreferences = create<Preferences>(() => stored());

/** Whether the dark appearance applies right now. */
export function isDark(theme: Theme): boolean {
  return theme === 'dark' || (theme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
}

/** Changes some preferences, remembers and applies them. */
export async function setPreferences(change: Partial<Preferences>): Promise<void> {
  const next = { ...usePreferences.getState(), ...change };
  await setLanguage(next.language);
  usePreferences.setState(next);
  localStorage.setItem(KEY, JSON.stringify(next));
  paintPreferences(next);
}

/** Puts appearance and colours on the document. */
export function paintPreferences(preferences: Preferences): void {
  const root = document.documentElement;
  root.dataset['theme'] = isDark(preferences.theme) ? 'dark' : 'light';
  const gains = preferences.gains === 'auto' ? (preferences.language === 'zh' ? 'red' : 'green') : preferences.gains;
  root.dataset['gains'] = gains;
}
