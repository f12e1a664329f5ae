/** Whether the page is dark right now, following the system where the reader left it to the system. */
import { useSyncExternalStore } from 'react';

import { isDark, paintPreferences, usePreferences } from './preferences';

function subscribe(listener: () => void): () => void {
  const media = matchMedia('(prefers-color-scheme: dark)');
  const changed = () => {
    paintPreferences(usePreferences.getState());
    listener();
  };
  media.addEventListener('change', changed);
  const stop = usePreferences.subscribe(listener);
  return () => {
    media.removeEventListener('change', changed);
    stop();
  };
}

/** `dark` or `light`. */
export function useTheme(): 'dark' | 'light' {
  return useSyncExternalStore(subscribe, () => (isDark(usePreferences.getState().theme) ? 'dark' : 'light'));
}
