/** The order of axes and measures. Pure. */
import type { PrudexAxis, PrudexMeasure } from '../../api/types';

/** The axes as the compass has them, clockwise from the top. */
export const AXES: readonly PrudexAxis[] = ['profitability', 'risk_control', 'universality', 'diversity', 'reliability', 'explainability'];

/** Measures by axis, in the order of the axes and as they came. */
export function measureRows(measures: PrudexMeasure[]): PrudexMeasure[] {
  return AXES.flatMap((axis) => measures.filter((each) => each.axis === axis));
}
