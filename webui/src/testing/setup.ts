/** What the test browser lacks. */
import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

globalThis.matchMedia ??= ((query: string) => ({
  matches: false, media: query, onchange: null,
  addEventListener: () => undefined, removeEventListener: () => undefined,
  addListener: () => undefined, removeListener: () => undefined, dispatchEvent: () => false,
})) as typeof matchMedia;

afterEach(cleanup);
