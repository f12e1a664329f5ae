/** Why a session waits, in the reader's language. */
import type { Dictionary } from '../i18n/en';

/** A reason as the scheduler gives it: a code with parameters, and an English sentence. */
export interface Reason {
  reason: string;
  reason_code?: string | null;
  reason_params?: Record<string, string> | null;
}

/** The sentence made of code and parameters; the sentence that came where the code is not known here. */
export function reasonText(text: Dictionary, reason: Reason): string {
  const known = text.reasons as Record<string, ((params: Record<string, unknown>) => string | null) | undefined>;
  return known[reason.reason_code ?? '']?.(reason.reason_params ?? {}) ?? reason.reason;
}
