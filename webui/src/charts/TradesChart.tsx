/** Close prices with the agent's trades: markers of one instrument, sums below the line of several. */
import { AreaSeries, createSeriesMarkers, HistogramSeries, type IChartApi, type SeriesMarker, type UTCTimestamp } from 'lightweight-charts';
import { useEffect, useRef } from 'react';

import type { Trade } from '../api/types';
import { usePreferences } from '../state/preferences';
import { useTheme } from '../state/useTheme';
import { markerTime, prices, several, traded } from './candles';
import { cssColour, faded } from './colours';
import { priceChart } from './priceChart';

interface TradesChartProps {
  label: string;
  timesMs: number[];
  values: number[];
  trades: Trade[];
}

function markers(trades: Trade[]): SeriesMarker<UTCTimestamp>[] {
  const up = cssColour('up');
  const down = cssColour('down');
  return trades.map((trade) => {
    const buy = trade.side === 'buy';
    return {
      time: markerTime(trade.time_ms),
      position: buy ? 'belowBar' : 'aboveBar',
      shape: buy ? 'arrowUp' : 'arrowDown',
      color: buy ? up : down,
      size: trades.length > 200 ? 0.6 : 1,
    };
  });
}

/** Draws what was bought and sold at each time into the lower quarter. */
function sums(chart: IChartApi, trades: Trade[]) {
  const { bought, sold } = traded(trades, faded(cssColour('up'), 0.7), faded(cssColour('down'), 0.7));
  for (const bars of [bought, sold]) {
    const series = chart.addSeries(HistogramSeries, { priceScaleId: 'traded', priceLineVisible: false, lastValueVisible: false });
    series.setData(bars);
  }
  chart.priceScale('traded').applyOptions({ scaleMargins: { top: 0.76, bottom: 0 } });
}

/** Draws the price and where the agent bought and sold. */
export function TradesChart({ label, timesMs, values, trades }: TradesChartProps) {
  const theme = useTheme();
  const gains = usePreferences((preferences) => `${preferences.gains}-${preferences.language}`);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const chart = priceChart(host);
    const line = cssColour('curve-3');
    const series = chart.addSeries(AreaSeries, { lineColor: line, topColor: faded(line, 0.18), bottomColor: faded(line, 0.01), lineWidth: 2, priceLineVisible: false });
    series.setData(prices(timesMs, values));
    if (several(trades)) {
      series.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: 0.3 } });
      sums(chart, trades);
    } else {
      createSeriesMarkers(series, markers(trades));
    }
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [timesMs, values, trades, theme, gains]);
  return <div ref={box} className="price-chart" role="img" aria-label={label} />;
}
