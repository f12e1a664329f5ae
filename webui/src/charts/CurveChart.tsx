/** One live curve of a session. Points live outside React; drawing follows animation frames, at most 4 a second. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import type { Curve, SeriesSet } from '../live/series';
import { useText } from '../i18n';
import { count } from '../state/format';
import { isShare, metricText } from '../state/metrics';
import { useTheme } from '../state/useTheme';
import { axes, followWidth } from './axes';
import { cssColour, faded } from './colours';

interface CurveChartProps {
  set: SeriesSet;
  name: string;
  label: string;
  colour?: string;
  height?: number;
}

const FRAME_MS = 250;

function defined(values: Float64Array, length: number): (number | null)[] {
  return Array.from(values.subarray(0, length), (value) => (Number.isNaN(value) ? null : value));
}

function dataOf(curve: Curve | undefined): uPlot.AlignedData {
  if (!curve) return [[], [], [], []];
  const { length } = curve;
  return [Array.from(curve.x.subarray(0, length)), defined(curve.last, length), defined(curve.max, length), defined(curve.min, length)];
}

function optionsOf(label: string, name: string, colour: string, width: number, height: number, read: (plot: uPlot) => void): uPlot.Options {
  const line = cssColour(colour);
  return {
    width,
    height,
    legend: { show: false },
    cursor: { sync: { key: 'session' }, points: { size: 7 }, drag: { x: true, y: false } },
    scales: { x: { time: false } },
    axes: axes(isShare(name), false, width < 420),
    series: [
      {},
      { label, stroke: line, width: 1.6, spanGaps: false },
      { stroke: 'transparent', points: { show: false } },
      { stroke: 'transparent', points: { show: false } },
    ],
    bands: [{ series: [2, 3], fill: faded(line, 0.16) }],
    hooks: { setCursor: [read] },
  };
}

/** Draws the curve `name` of `set` and keeps it current. */
export function CurveChart({ set, name, label, colour = 'curve-1', height = 200 }: CurveChartProps) {
  const text = useText();
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const read = (plot: uPlot) => {
      const at = plot.cursor.idx;
      const step = at === null || at === undefined ? undefined : plot.data[0][at];
      const value = at === null || at === undefined ? null : plot.data[1]?.[at];
      if (readout.current) readout.current.textContent = step === undefined ? '' : `${text.session.step} ${count(step)} · ${metricText(name, value, text)}`;
    };
    const plot = new uPlot(optionsOf(label, name, colour, Math.max(200, host.clientWidth), height, read), dataOf(set.curves.get(name)), host);
    const stopWidth = followWidth(plot, host);
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | null = null;
    let drawn = performance.now();
    const draw = () => {
      drawn = performance.now();
      const zoomed = plot.scales['x']?.min !== plot.data[0][0] || plot.scales['x']?.max !== plot.data[0].at(-1);
      plot.setData(dataOf(set.curves.get(name)), !zoomed || plot.data[0].length < 2);
    };
    const stop = set.subscribe(() => {
      timer ??= setTimeout(() => {
        timer = null;
        frame = requestAnimationFrame(draw);
      }, Math.max(0, FRAME_MS - (performance.now() - drawn)));
    });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
      cancelAnimationFrame(frame);
      stopWidth();
      plot.destroy();
    };
  }, [set, name, label, colour, height, text, theme]);
  return (
    <div className="chart" role="img" aria-label={label}>
      <span className="chart-readout num" ref={readout} aria-hidden="true" />
      <div ref={box} />
    </div>
  );
}
