/** Short messages about what just happened. */
import { create } from 'zustand';

export interface Toast {
  id: number;
  kind: 'good' | 'bad';
  text: string;
}

const SHOWN_MS = 5000;
let next = 1;

/** The messages that are shown now. */
export const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));

/** Shows a message for some seconds. */
export function toast(kind: Toast['kind'], text: string): void {
  const id = next;
  next += 1;
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts, { id, kind, text }] }));
  setTimeout(() => dismiss(id), SHOWN_MS);
}

/** Takes a message away. */
export function dismiss(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((each) => each.id !== id) }));
}
