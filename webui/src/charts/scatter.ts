/** From the splits of a cross-validation to bars and points. Pure. */

/** One bar of a histogram. */
export interface Bin {
  from: number;
  to: number;
  count: number;
}

/** Counts values in bins of equal width, of which one edge is 0: no bin holds both signs. Empty without values. */
export function histogram(values: number[], most: number): Bin[] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [];
  const [least, greatest] = [Math.min(0, ...finite), Math.max(0, ...finite)];
  const width = Math.max((greatest - least) / most, Number.EPSILON);
  // Half-open at the lower end: a value of 0 ranks at the median and counts below it.
  const binOf = (value: number): number => Math.ceil(value / width) - 1;
  const [first, last] = [Math.min(binOf(least + width / 2), ...finite.map(binOf)), Math.max(binOf(greatest), ...finite.map(binOf))];
  const counts = new Array<number>(last - first + 1).fill(0);
  for (const value of finite) {
    const at = binOf(value) - first;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts.map((count, at) => ({ from: (first + at) * width, to: (first + at + 1) * width, count }));
}

/** The ends of an axis that shows all values and 0, with some room. */
export function axisEnds(values: number[]): [number, number] {
  const shown = [0, ...values.filter(Number.isFinite)];
  const [least, greatest] = [Math.min(...shown), Math.max(...shown)];
  const room = 0.06 * (greatest - least || 1);
  return [least - room, greatest + room];
}
