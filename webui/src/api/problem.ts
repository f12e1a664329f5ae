/** Errors of the gateway (problem+json) as one class, and as text in the reader's language. */
import type { Dictionary } from '../i18n/en';
import type { Problem, Violation } from './types';

/** A problem of the gateway, or one of our own making, whose code the gateway does not know. */
export type Fault = Partial<Omit<Problem, 'code'>> & { code: string; title: string; status: number; detail: string };

/** What a call threw: the gateway's own words, or what we know when it did not answer. */
export class ApiError extends Error {
  constructor(readonly problem: Fault) {
    super(problem.detail);
    this.name = 'ApiError';
  }

  /** The stable code by which texts and decisions go. */
  get code(): string {
    return this.problem.code;
  }
}

/** The problem of a request that got no answer at all. */
export function unreachable(detail: string): ApiError {
  return new ApiError({ title: 'Unreachable', status: 0, code: 'unreachable', detail });
}

/** The error of a failed answer whose body has been read; anything that is no problem document becomes one. */
export function problemFrom(body: unknown, status: number, title: string): ApiError {
  if (isProblem(body)) return new ApiError(body);
  const detail = `The node answered ${status} without saying why.`;
  return new ApiError({ title, status, code: 'internal', detail });
}

/** Reads the body of a failed answer. */
export async function problemOf(response: Response): Promise<ApiError> {
  let body: unknown = null;
  try {
    body = await response.clone().json();
  } catch {
    body = null;
  }
  return problemFrom(body, response.status, response.statusText);
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Partial<Problem>;
  return typeof candidate.code === 'string' && typeof candidate.detail === 'string';
}

/** Whatever was thrown, as a problem. */
export function asProblem(error: unknown): Fault {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return { title: 'Error', status: 0, code: 'client', detail };
}

/** The headline of a problem in the reader's language. */
export function problemTitle(text: Dictionary, problem: Fault): string {
  const known: Record<string, string> = text.problems;
  return known[problem.code] ?? problem.title;
}

/** One violation in the reader's language; the gateway's English sentence where the code is not known here. */
export function violationText(text: Dictionary, violation: Violation): string {
  const params = (violation.params ?? {}) as Record<string, unknown>;
  const known = text.violations as Record<string, ((p: Record<string, unknown>) => string | null) | undefined>;
  return known[violation.code]?.(params) ?? violation.detail;
}

/** The violations of a problem, their pointers cut to start below `root` (for example `/config`). */
export function violationsBelow(problem: Fault, root: string): Violation[] {
  return (problem.errors ?? []).map((violation) => {
    const inside = violation.pointer === root || violation.pointer.startsWith(`${root}/`);
    return inside ? { ...violation, pointer: violation.pointer.slice(root.length) } : violation;
  });
}
