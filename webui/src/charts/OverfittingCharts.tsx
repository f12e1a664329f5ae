/** The splits of a cross-validation: how their logits spread, and what became of the chosen trial out of sample. */
import { type Bin, axisEnds } from './scatter';

const WIDTH = 400;
const HEIGHT = 200;

/** Draws the histogram; what lies at or below 0 is overfitting. */
export function HistogramChart({ label, bins }: { label: string; bins: Bin[] }) {
  const [low, high] = axisEnds(bins.flatMap((bin) => [bin.from, bin.to]));
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  const across = (value: number): number => (WIDTH * (value - low)) / (high - low);
  return (
    <svg className="splits" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {bins.map((bin) => {
        const height = ((HEIGHT - 8) * bin.count) / most;
        return <rect key={bin.from} className={bin.to <= 1e-9 ? 'split-bar split-bad' : 'split-bar'} x={across(bin.from) + 0.5} y={HEIGHT - height} width={Math.max(1, across(bin.to) - across(bin.from) - 1)} height={height} />;
      })}
      <line className="split-zero" x1={across(0)} x2={across(0)} y1="0" y2={HEIGHT} />
    </svg>
  );
}

/** Draws one point per split: across the score where the trial was chosen, upwards the score in the other half. */
export function DegradationChart({ label, points }: { label: string; points: { inside: number; outside: number }[] }) {
  const [left, right] = axisEnds(points.map((point) => point.inside));
  const [bottom, top] = axisEnds(points.map((point) => point.outside));
  const across = (value: number): number => (WIDTH * (value - left)) / (right - left);
  const up = (value: number): number => HEIGHT - (HEIGHT * (value - bottom)) / (top - bottom);
  return (
    <svg className="splits" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      <line className="split-zero" x1={across(0)} x2={across(0)} y1="0" y2={HEIGHT} />
      <line className="split-zero" x1="0" x2={WIDTH} y1={up(0)} y2={up(0)} />
      {points.map((point, index) => <circle key={index} className={point.outside < 0 ? 'split-point split-bad' : 'split-point'} cx={across(point.inside)} cy={up(point.outside)} r="2.5" />)}
    </svg>
  );
}
