/** Total return at rising costs, with the point at which nothing is left. */
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { useTheme } from '../state/useTheme';
import { axes, followWidth } from './axes';
import { cssColour } from './colours';
import type { Ladder } from './evaluation';

/** Draws the ladder. */
export function LadderChart({ label, ladder, height = 240 }: { label: string; ladder: Ladder; height?: number }) {
  const theme = useTheme();
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const width = Math.max(200, host.clientWidth);
    const plot = new uPlot(
      {
        width,
        height,
        legend: { show: false },
        cursor: { points: { size: 7 } },
        scales: { x: { time: false } },
        axes: axes(true, false, width < 420),
        series: [
          {},
          { label, stroke: cssColour('curve-1'), width: 2, spanGaps: true, points: { show: true, size: 7, fill: cssColour('curve-1') } },
          { label, stroke: cssColour('bad'), width: 0, points: { show: true, size: 12, width: 2, fill: cssColour('panel'), stroke: cssColour('bad') } },
          { label, stroke: cssColour('text-2'), width: 1, dash: [4, 4], points: { show: false } },
        ],
      },
      [ladder.x, ladder.y, ladder.mark, ladder.x.map(() => 0)],
      host,
    );
    const stop = followWidth(plot, host);
    return () => {
      stop();
      plot.destroy();
    };
  }, [label, ladder, height, theme]);
  return <div className="chart" ref={box} role="img" aria-label={label} />;
}
