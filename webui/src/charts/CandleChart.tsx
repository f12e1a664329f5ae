/** Candles and volume of a data set. */
import { CandlestickSeries, HistogramSeries } from 'lightweight-charts';
import { useEffect, useRef } from 'react';

import type { BarsView } from '../api/types';
import { usePreferences } from '../state/preferences';
import { useTheme } from '../state/useTheme';
import { candles, volumes } from './candles';
import { cssColour, faded } from './colours';
import { priceChart } from './priceChart';

/** Draws the bars. */
export function CandleChart({ bars, label }: { bars: BarsView; label: string }) {
  const theme = useTheme();
  const gains = usePreferences((preferences) => `${preferences.gains}-${preferences.language}`);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const host = box.current;
    if (!host) return undefined;
    const chart = priceChart(host);
    const up = cssColour('up');
    const down = cssColour('down');
    const colours = { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false };
    chart.addSeries(CandlestickSeries, colours).setData(candles(bars));
    const columns = volumes(bars, faded(cssColour('curve-3'), 0.4));
    if (columns.length > 0) {
      const volume = chart.addSeries(HistogramSeries, { priceScaleId: 'volume', priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false });
      volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
      volume.setData(columns);
    }
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [bars, theme, gains]);
  return <div ref={box} className="price-chart" role="img" aria-label={label} />;
}
