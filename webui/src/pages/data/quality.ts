/** A quality report as the page says it. Pure. */
import type { DatasetView, QualityFinding, Severity } from '../../api/types';
import type { Dictionary } from '../../i18n/en';

export const SEVERITIES: readonly Severity[] = ['danger', 'warning', 'info'];

/** How many findings there are of each severity. */
export function tally(findings: QualityFinding[]): Record<Severity, number> {
  const counts: Record<Severity, number> = { info: 0, warning: 0, danger: 0 };
  for (const finding of findings) counts[finding.severity] += 1;
  return counts;
}

/** What a finding is called; one that is not known yet by its own name. */
export function findingName(code: string, text: Dictionary): string {
  const known: Record<string, string> = text.datasets.quality.codes;
  return known[code] ?? code.replaceAll('_', ' ');
}

/** Gravest first; among equals as they came. */
export function ordered(findings: QualityFinding[]): QualityFinding[] {
  return [...findings].sort((left, right) => SEVERITIES.indexOf(left.severity) - SEVERITIES.indexOf(right.severity));
}

/** What a data set holds, in words. */
export function kindName(kind: string, text: Dictionary): string {
  const known: Record<string, string> = text.datasets.kinds;
  return known[kind] ?? kind;
}

/** The instruments of a data set: its only one by name, several by their count. */
export function instrumentText(dataset: Pick<DatasetView, 'instrument' | 'instrument_count'>, text: Dictionary): string {
  const { instrument_count: count } = dataset;
  return count === undefined || count <= 1 ? dataset.instrument : text.datasets.instrumentCount(count);
}
