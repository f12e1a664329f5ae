/** Axes and cursor shared by every uPlot chart. */
import type uPlot from 'uplot';

import { number } from '../state/format';
import { cssColour } from './colours';

const FONT = '11px system-ui, sans-serif';

/** How values on an axis are written. */
export function axisText(share: boolean): (value: number) => string {
  if (!share) return (value) => number(value, 6);
  return (value) => `${number(Math.round(value * 1e6) / 1e4 || 0, 4)}\u00a0%`;
}

/** Both axes in the page's colours. */
export function axes(share: boolean, time: boolean, compact: boolean): uPlot.Axis[] {
  const common = { stroke: cssColour('text-2'), font: FONT, ticks: { show: false } };
  const grid = { stroke: cssColour('line'), width: 1 };
  const write = axisText(share);
  const across: uPlot.Axis = { ...common, grid: { show: false }, space: compact ? 70 : 90, size: time ? 42 : 28 };
  if (!time) across.values = (_, splits) => splits.map((split) => shortCount(split));
  return [across, { ...common, grid, size: widest, space: 34, values: (_, splits) => splits.map(write) }];
}

/** Room for the longest label. */
function widest(_: uPlot, labels: string[] | null): number {
  return 14 + 6.4 * Math.max(3, ...(labels ?? []).map((label) => label.length));
}

function shortCount(value: number): string {
  if (value >= 1e6) return `${number(value / 1e6, 3)}M`;
  if (value >= 1e4) return `${number(value / 1e3, 3)}k`;
  return number(value, 4);
}

/** Keeps a chart as wide as its box; returns how to stop. */
export function followWidth(plot: uPlot, box: HTMLElement): () => void {
  const observer = new ResizeObserver(() => {
    const width = Math.floor(box.clientWidth);
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
  });
  observer.observe(box);
  return () => observer.disconnect();
}
