/** Intervals, each on an axis of its own that shows 0: a bar from low to high, a tick at the value. */
import { useText } from '../i18n';
import { intervalPlaces } from './evaluation';

/** One interval with its ends in words. */
export interface IntervalRow {
  name: string;
  value: number | null;
  low: number;
  high: number;
  words: { value: string; low: string; high: string };
}

const WIDTH = 400;
const HEIGHT = 26;

/** Draws one line per interval; ends and value stand beside it as text. */
export function IntervalsChart({ rows }: { rows: IntervalRow[] }) {
  const text = useText();
  return (
    <ul className="intervals">
      {rows.map((row) => {
        const places = intervalPlaces(row.low, row.high, row.value);
        return (
          <li key={row.name}>
            <span className="interval-name">{row.name}</span>
            <span className="num interval-end">{row.words.low}</span>
            <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${row.name}: ${row.words.low} … ${row.words.value} … ${row.words.high}${places.containsZero ? `, ${text.evaluation.containsZero}` : ''}`}>
              <line className="interval-zero" x1={places.zero * WIDTH} x2={places.zero * WIDTH} y1="0" y2={HEIGHT} />
              <line className={places.containsZero ? 'interval-bar interval-unsure' : 'interval-bar'} x1={places.low * WIDTH} x2={places.high * WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} />
              {[places.low, places.high].map((place, index) => <line key={index} className="interval-cap" x1={place * WIDTH} x2={place * WIDTH} y1="7" y2={HEIGHT - 7} />)}
              {places.value !== null && <line className="interval-value" x1={places.value * WIDTH} x2={places.value * WIDTH} y1="3" y2={HEIGHT - 3} />}
            </svg>
            <span className="num interval-end">{row.words.high}</span>
            <strong className="num interval-middle">{row.words.value}</strong>
            {places.containsZero && <span className="tag tag-warn">{text.evaluation.containsZero}</span>}
          </li>
        );
      })}
    </ul>
  );
}
