/** Starting points for a labelling, after the reference system's shipped configurations (engine `config/labelling/presets.rs`). */
import type { Dictionary } from '../../i18n/en';
import type { Config } from '../../api/strategies';
import type { FieldNode } from '../../forms/schema';

export type PresetName = keyof Dictionary['labelling']['presets'];

/** What each preset sets; everything else stays. */
export const PRESETS: Record<PresetName, Record<string, number>> = {
  daily: { label_count: 3, min_length: 12, max_length: 120, merge_threshold: 0.03 },
  index: { label_count: 3, min_length: 12, max_length: 120, merge_threshold: 0.003 },
  five: { label_count: 5, min_length: 24, max_length: 144, merge_threshold: 0.03 },
  second: { label_count: 3, min_length: 48, max_length: 480, merge_threshold: 0.0003 },
};

/** The configuration with a preset's values, as far as the form has such fields. */
export function withPreset(node: FieldNode, config: Config, preset: PresetName): Config {
  const known = new Set(node.kind === 'object' ? node.fields.map(([name]) => name) : []);
  return { ...config, ...Object.fromEntries(Object.entries(PRESETS[preset]).filter(([name]) => known.has(name))) };
}

/** The preset whose values the configuration has; null where it is nobody's. */
export function presetOf(config: Config): PresetName | null {
  const names = Object.keys(PRESETS) as PresetName[];
  return names.find((name) => Object.entries(PRESETS[name]).every(([key, value]) => config[key] === value)) ?? null;
}
