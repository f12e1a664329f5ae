/** Scores from 0 to 100 on as many axes as there are, the outline filled. */
import { outline, pathOf, place } from './hexagon';

/** One axis: its name and its score, which is null where there is none. */
export interface HexagonAxis {
  name: string;
  score: number | null;
  /** The score in words. */
  words: string;
}

const RADIUS = 100;
const RINGS = [25, 50, 75, 100];

/** Draws the outline; names and scores stand around it as text. */
export function HexagonChart({ label, axes }: { label: string; axes: HexagonAxis[] }) {
  const said = `${label}: ${axes.map((axis) => `${axis.name} ${axis.words}`).join(', ')}`;
  return (
    <svg className="hexagon" viewBox="-190 -135 380 270" role="img" aria-label={said}>
      {RINGS.map((ring) => <polygon key={ring} className="hexagon-ring" points={pathOf(outline(axes.map(() => ring)), RADIUS)} />)}
      {axes.map((axis, index) => {
        const rim = place(index, axes.length, 100);
        return <line key={axis.name} className="hexagon-ring" x1="0" y1="0" x2={rim.x * RADIUS} y2={rim.y * RADIUS} />;
      })}
      <polygon className="hexagon-area" points={pathOf(outline(axes.map((axis) => axis.score)), RADIUS)} />
      {axes.map((axis, index) => {
        const at = place(index, axes.length, 100);
        const anchor = Math.abs(at.x) < 0.1 ? 'middle' : at.x > 0 ? 'start' : 'end';
        return (
          <text key={axis.name} className="hexagon-name" x={at.x * (RADIUS + 8)} y={at.y * (RADIUS + 14)} textAnchor={anchor}>
            <tspan x={at.x * (RADIUS + 8)}>{axis.name}</tspan>
            <tspan className="hexagon-score" x={at.x * (RADIUS + 8)} dy="1.2em">{axis.words}</tspan>
          </text>
        );
      })}
    </svg>
  );
}
