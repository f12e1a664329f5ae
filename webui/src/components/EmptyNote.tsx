/** Nothing here yet: what would be, and how to begin. */
import type { ReactNode } from 'react';

interface EmptyNoteProps {
  title: string;
  help?: string;
  action?: ReactNode;
}

/** Shows an empty state. */
export function EmptyNote({ title, help, action }: EmptyNoteProps) {
  return (
    <div className="empty">
      <svg viewBox="0 0 64 40" aria-hidden="true" className="empty-art">
        <path d="M2 34 L16 22 L28 28 L44 10 L62 18" />
        <circle cx="44" cy="10" r="3" />
      </svg>
      <p className="empty-title">{title}</p>
      {help && <p className="hint">{help}</p>}
      {action && <div className="empty-action">{action}</div>}
    </div>
  );
}
