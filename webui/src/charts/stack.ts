/** Layers of a stacked chart. Pure. */
import type { WeightCourse } from '../api/types';
import type { Dictionary } from '../i18n/en';
import { regimeColour } from './regimes';

/** One layer: its name, its own values and the height at which it ends. */
export interface Layer {
  name: string;
  /** Whether it is cash, which has a colour of its own. */
  cash: boolean;
  colour: string;
  values: number[];
  top: number[];
}

/** A name of a column in the reader's language; instruments keep theirs. */
export function weightName(name: string, text: Dictionary): string {
  if (name === 'cash') return text.report.cash;
  return name === 'others' ? text.report.others : name;
}

/**
 * Colours of `count` layers: neighbours differ in lightness, because every second one comes from the lighter half.
 * Cash is grey.
 */
export function layerColour(index: number, count: number): string {
  const half = Math.ceil(count / 2);
  return regimeColour(index % 2 === 0 ? index / 2 : half + (index - 1) / 2, Math.max(count, 2));
}

/** Whether shares can be stacked: a share below zero cannot. */
export function stackable(course: WeightCourse): boolean {
  return course.rows.every((row) => row.every((share) => share >= -1e-6));
}

/** The layers from the bottom up; rows that are too short count as zero. */
export function layersOf(course: WeightCourse, text: Dictionary): Layer[] {
  const sums = course.rows.map(() => 0);
  const coloured = course.names.filter((name) => name !== 'cash').length;
  let place = 0;
  return course.names.map((name, column) => {
    const values = course.rows.map((row) => row[column] ?? 0);
    const top = values.map((value, index) => {
      sums[index] = (sums[index] ?? 0) + value;
      return sums[index] ?? 0;
    });
    const cash = name === 'cash';
    const colour = cash ? '#9aa5b5' : layerColour(place, coloured);
    if (!cash) place += 1;
    return { name: weightName(name, text), cash, colour, values, top };
  });
}
