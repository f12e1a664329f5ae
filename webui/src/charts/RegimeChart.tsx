/** A series coloured by regime over a neutral outline, so that light labels keep an edge on light pages and dark ones on dark. */
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import type { LabelChart } from '../api/types';
import { useText } from '../i18n';
import { moment, number } from '../state/format';
import { useTheme } from '../state/useTheme';
import { axes, followWidth } from './axes';
import { cssColour } from './colours';
import { regimeColour, regimeName, regimeSeries } from './regimes';

interface RegimeChartProps {
  label: string;
  chart: LabelChart;
  count: number;
  filtered: boolean;
  height?: number;
}

const OUTLINE = 5;
const COLOURED = 3.8;

/** Draws the series; the legend names what lies under the cursor. */
export function RegimeChart({ label, chart, count, filtered, height = 340 }: RegimeChartProps) {
  const text = useText();
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLSpanElement>(null);
  const series = useMemo(() => regimeSeries(chart, count), [chart, count]);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const read = (plot: uPlot) => {
      const at = plot.cursor.idx;
      const time = at === null || at === undefined ? undefined : chart.times_ms[at];
      const of = at === null || at === undefined ? undefined : chart.labels[at];
      if (!readout.current) return;
      readout.current.textContent = time === undefined || of === undefined ? '' : `${moment(time)} · ${number(chart.values[at ?? 0] ?? 0, 6)} · ${text.labelling.labelOf(of, regimeName(of, count, text))}`;
    };
    const width = Math.max(200, host.clientWidth);
    const plain = { points: { show: false }, spanGaps: false };
    const plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        cursor: { points: { size: 7 } },
        axes: axes(false, true, width < 420),
        series: [
          {},
          { ...plain, label, stroke: cssColour('text-2'), width: OUTLINE },
          ...series.map((_, each) => ({ ...plain, label: String(each), stroke: regimeColour(each, count), width: COLOURED })),
          { ...plain, label: text.labelling.filteredLine, stroke: cssColour('text'), width: 1.4, dash: [6, 4], show: filtered },
        ],
        hooks: { setCursor: [read] },
      },
      [chart.times_ms.map((time) => time / 1000), chart.values, ...series, filtered ? chart.filtered : chart.values.map(() => null)],
      host,
    );
    const stop = followWidth(plot, host);
    return () => {
      stop();
      plot.destroy();
    };
  }, [chart, series, count, filtered, label, height, text, theme]);
  return (
    <div className="chart">
      <span className="chart-readout num" ref={readout} aria-hidden="true" />
      <div ref={box} role="img" aria-label={label} />
    </div>
  );
}
