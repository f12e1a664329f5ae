/** A curve over something that is not time, as shares of one: total return at rising costs, runs that reach a return. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { useTheme } from '../state/useTheme';
import { axes, axisText, followWidth } from './axes';
import { cssColour } from './colours';
import type { Ladder, LadderPair } from './evaluation';

interface LadderChartProps {
  label: string;
  ladder: Ladder | LadderPair;
  /** Whether what lies across counts percent too. */
  shareAcross?: boolean;
  height?: number;
}

/** Draws the curve, its marked points and the line at 0. */
export function LadderChart({ label, ladder, shareAcross = false, height = 240 }: LadderChartProps) {
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const width = Math.max(200, host.clientWidth);
    const across = axes(true, false, width < 420);
    const write = axisText(true);
    if (shareAcross && across[0]) across[0].values = (_, splits) => splits.map(write);
    const other = 'other' in ladder ? ladder.other : null;
    const mark = { label, stroke: cssColour('bad'), width: 0, points: { show: true, size: 12, width: 2, fill: cssColour('panel'), stroke: cssColour('bad') } };
    const plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        cursor: { points: { size: 7 } },
        scales: { x: { time: false } },
        axes: across,
        series: [
          {},
          { label, stroke: cssColour('curve-1'), width: 2, spanGaps: true, points: { show: true, size: 7, fill: cssColour('curve-1') } },
          mark,
          { label, stroke: cssColour('text-2'), width: 1, dash: [4, 4], points: { show: false } },
          ...(other ? [{ label, stroke: cssColour('curve-2'), width: 2, dash: [8, 4], spanGaps: true, points: { show: true, size: 7, fill: cssColour('curve-2') } }, mark] : []),
        ],
      },
      [ladder.x, ladder.y, ladder.mark, ladder.x.map(() => 0), ...(other ? [other.y, other.mark] : [])],
      host,
    );
    const stop = followWidth(plot, host);
    return () => {
      stop();
      plot.destroy();
    };
  }, [label, ladder, shareAcross, height, theme]);
  return <div className="chart" ref={box} role="img" aria-label={label} />;
}
