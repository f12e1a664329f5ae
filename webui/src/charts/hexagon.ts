/** Where six scores stand on a hexagon. Pure. */

/** A point of the drawing; the centre is 0, 0 and the rim 1 away. */
export interface Point {
  x: number;
  y: number;
}

/** The point of a score on the axis of that number, the first one upwards, clockwise. Scores run from 0 to 100. */
export function place(axis: number, axes: number, score: number): Point {
  const angle = (2 * Math.PI * axis) / axes - Math.PI / 2;
  const reach = Math.min(100, Math.max(0, score)) / 100;
  return { x: reach * Math.cos(angle), y: reach * Math.sin(angle) };
}

/** The outline of scores; an axis without one stands in the centre. */
export function outline(scores: (number | null)[]): Point[] {
  return scores.map((score, axis) => place(axis, scores.length, score ?? 0));
}

/** Points as SVG writes them, scaled by `radius`. */
export function pathOf(points: Point[], radius: number): string {
  return points.map(({ x, y }) => `${(x * radius).toFixed(2)},${(y * radius).toFixed(2)}`).join(' ');
}
