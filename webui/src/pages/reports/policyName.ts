/** Names of the policies of a report. */
import type { Dictionary } from '../../i18n/en';

/** The agent's or a baseline's name in the reader's language. */
export function policyName(name: string, text: Dictionary): string {
  const known: Record<string, string> = { agent: text.report.agent, ...text.report.baselines };
  return known[name] ?? name.replaceAll('_', ' ');
}
