/** Shares of a whole over time, stacked; thin edges part the layers, so that they do not rest on colour alone. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { percent } from '../state/format';
import { useTheme } from '../state/useTheme';
import { axes, followWidth } from './axes';
import { cssColour } from './colours';
import type { Layer } from './stack';

interface StackChartProps {
  label: string;
  timesMs: number[];
  layers: Layer[];
  height?: number;
}

/** Draws the layers; the legend names the shares under the cursor. */
export function StackChart({ label, timesMs, layers, height = 300 }: StackChartProps) {
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const values = useRef<(HTMLSpanElement | null)[]>([]);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const read = (plot: uPlot) => {
      const at = plot.cursor.idx ?? timesMs.length - 1;
      layers.forEach((layer, index) => {
        const cell = values.current[index];
        const value = layer.values[at];
        if (cell) cell.textContent = value === undefined ? '' : percent(value, 1);
      });
    };
    const width = Math.max(200, host.clientWidth);
    const edge = cssColour('panel');
    // The highest first: each layer is filled down to the one below it.
    const drawn = [...layers].reverse();
    const plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        cursor: { sync: { key: 'report' }, points: { show: false } },
        scales: { y: { range: (_, __, max) => [0, Math.max(1, max)] } },
        axes: axes(true, true, width < 420),
        series: [{}, ...drawn.map((layer, index) => ({ label: layer.name, stroke: edge, width: 0.8, points: { show: false }, ...(index === drawn.length - 1 ? { fill: layer.colour } : {}) }))],
        bands: drawn.slice(0, -1).map((layer, index) => ({ series: [index + 1, index + 2] as [number, number], fill: layer.colour })),
        hooks: { setCursor: [read], ready: [read] },
      },
      [timesMs.map((time) => time / 1000), ...drawn.map((layer) => layer.top)],
      host,
    );
    const stop = followWidth(plot, host);
    return () => {
      stop();
      plot.destroy();
    };
  }, [timesMs, layers, height, theme]);
  return (
    <div className="chart">
      <ul className="legend">
        {layers.map((layer, index) => (
          <li key={layer.name}>
            <span className="regime-swatch" aria-hidden="true" style={{ backgroundColor: layer.colour }} />
            {layer.name}
            <span className="num stack-value" ref={(cell) => { values.current[index] = cell; }} />
          </li>
        ))}
      </ul>
      <div ref={box} role="img" aria-label={label} />
    </div>
  );
}
