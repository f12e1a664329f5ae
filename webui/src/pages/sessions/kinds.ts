/** The kinds of sessions, in the order in which people meet them. */
import type { SessionKind } from '../../api/types';

export const KINDS: readonly SessionKind[] = ['training', 'backtest', 'evaluation', 'labelling'];

/** The kind that an address names; training where it names none that is known. */
export function kindOf(word: string | null): SessionKind {
  return KINDS.find((each) => each === word) ?? 'training';
}

/** Whether a session of this kind runs a strategy; a labelling looks at data alone. */
export function needsStrategy(kind: SessionKind): boolean {
  return kind !== 'labelling';
}

/** Where a finished session's result is read. */
export function resultAddress(session: { id: string; kind: SessionKind }): string | null {
  switch (session.kind) {
    case 'backtest':
      return `/sessions/${session.id}/report`;
    case 'labelling':
      return `/sessions/${session.id}/labels`;
    case 'evaluation':
      return `/sessions/${session.id}/evaluation`;
    case 'training':
      return null;
    default:
      return null;
  }
}
