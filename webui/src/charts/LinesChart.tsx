/** Several finished curves over time: equity or drawdown of the agent beside its baselines. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { useTheme } from '../state/useTheme';
import { axes, axisText, followWidth } from './axes';
import { cssColour, faded } from './colours';

/** One curve. */
export interface Line {
  label: string;
  colour: string;
  /** Null where the curve has no point. */
  values: (number | null)[];
  /** The curve that the chart is about: drawn thicker. */
  main: boolean;
}

interface LinesChartProps {
  label: string;
  timesMs: number[];
  lines: Line[];
  share: boolean;
  filled?: boolean;
  height?: number;
}

/** Draws the curves over a shared time axis with a shared cursor and a legend that names values at the cursor. */
export function LinesChart({ label, timesMs, lines, share, filled = false, height = 260 }: LinesChartProps) {
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const values = useRef<(HTMLSpanElement | null)[]>([]);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const write = axisText(share);
    const read = (plot: uPlot) => {
      const at = plot.cursor.idx ?? plot.data[0].length - 1;
      lines.forEach((_, index) => {
        const value = plot.data[index + 1]?.[at];
        const cell = values.current[index];
        if (cell) cell.textContent = typeof value === 'number' ? write(value) : '';
      });
    };
    const width = Math.max(200, host.clientWidth);
    const plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        cursor: { sync: { key: 'report' }, points: { size: 7 } },
        axes: axes(share, true, width < 420),
        series: [
          {},
          ...lines.map((line) => {
            const stroke = cssColour(line.colour);
            const dash = line.main ? {} : { dash: [5, 3] };
            const fill = filled && line.main ? { fill: faded(stroke, 0.14) } : {};
            return { label: line.label, stroke, width: line.main ? 2 : 1.2, points: { show: false }, ...dash, ...fill };
          }),
        ],
        hooks: { setCursor: [read], ready: [read] },
      },
      [timesMs.map((time) => time / 1000), ...lines.map((line) => line.values)],
      host,
    );
    const stop = followWidth(plot, host);
    return () => {
      stop();
      plot.destroy();
    };
  }, [timesMs, lines, share, filled, height, theme]);
  return (
    <div className="chart">
      <ul className="legend">
        {lines.map((line, index) => (
          <li key={line.label} data-colour={line.colour} className={line.main ? 'legend-main' : ''}>
            <span className="legend-mark" aria-hidden="true" />
            {line.label}
            <span className="num legend-value" ref={(cell) => { values.current[index] = cell; }} />
          </li>
        ))}
      </ul>
      <div ref={box} role="img" aria-label={label} />
    </div>
  );
}
