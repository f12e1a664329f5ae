/** Names of the policies of a report. */
import { humanised } from '../../forms/pointers';
import type { Dictionary } from '../../i18n/en';
import { type FieldTexts, textOf } from '../../i18n/fields';

/** The agent's or a baseline's name in the reader's language. */
export function policyName(name: string, text: Dictionary): string {
  const known: Record<string, string> = { agent: text.report.agent, ...text.report.baselines };
  return known[name] ?? name.replaceAll('_', ' ');
}

/** The task of a report in the reader's language, as the form names it. */
export function taskName(task: string, fields: FieldTexts): string {
  return textOf(fields, '/environment/task', task)?.label ?? humanised(task);
}

/** Whether a baseline knows the future: it shows what was possible and is no rival. */
export function knowsFuture(name: string): boolean {
  return name.startsWith('hindsight_');
}
