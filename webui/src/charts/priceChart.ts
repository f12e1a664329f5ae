/** A price chart in the page's colours. */
import { type ChartOptions, createChart, type DeepPartial, type IChartApi } from 'lightweight-charts';

import { cssColour } from './colours';

function options(): DeepPartial<ChartOptions> {
  const line = cssColour('line');
  return {
    autoSize: true,
    layout: { background: { color: 'transparent' }, textColor: cssColour('text-2'), fontSize: 11, attributionLogo: false },
    grid: { vertLines: { visible: false }, horzLines: { color: line } },
    rightPriceScale: { borderColor: line },
    timeScale: { borderColor: line, timeVisible: true, secondsVisible: false },
    handleScroll: { vertTouchDrag: false },
    localization: { locale: 'en-US' },
  };
}

/** Creates a chart that follows the size of its box. Zooming by wheel needs Ctrl, so that the page still scrolls. */
export function priceChart(host: HTMLElement): IChartApi {
  const chart = createChart(host, { ...options(), handleScale: { mouseWheel: false } });
  host.addEventListener('wheel', (event) => chart.applyOptions({ handleScale: { mouseWheel: event.ctrlKey } }), { passive: true, capture: true });
  return chart;
}
