/** How many points a curve stands for, and its newest value. */
import { useEffect, useState } from 'react';

import { useText } from '../../../i18n';
import type { SeriesSet } from '../../../live/series';
import { count } from '../../../state/format';
import { metricText } from '../../../state/metrics';

const PAINT_MS = 500;

interface Summary {
  points: number;
  perBin: number;
  last: number | null;
}

function summaryOf(set: SeriesSet, name: string): Summary {
  const curve = set.curves.get(name);
  if (!curve || curve.length === 0) return { points: 0, perBin: 1, last: null };
  const last = curve.last[curve.length - 1] ?? Number.NaN;
  const points = curve.pointCount();
  return { points, perBin: Math.max(1, Math.round(points / curve.length)), last: Number.isNaN(last) ? null : last };
}

/** Shows the newest value and says when points were joined. */
export function BinNote({ set, name }: { set: SeriesSet; name: string }) {
  const text = useText();
  const [summary, setSummary] = useState(() => summaryOf(set, name));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const paint = () => {
      timer = null;
      setSummary(summaryOf(set, name));
    };
    paint();
    const stop = set.subscribe(() => {
      timer ??= setTimeout(paint, PAINT_MS);
    });
    return () => {
      stop();
      if (timer !== null) clearTimeout(timer);
    };
  }, [set, name]);
  const binned = summary.perBin > 1;
  return (
    <>
      <span className="hint num" title={binned ? text.session.binned(count(summary.perBin)) : undefined}>
        {binned ? text.session.binned(count(summary.perBin)) : text.session.points(count(summary.points))}
      </span>
      <strong className="num chart-last">{metricText(name, summary.last, text)}</strong>
    </>
  );
}
