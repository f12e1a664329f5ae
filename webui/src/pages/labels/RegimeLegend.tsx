/** What each colour means, from the steepest fall to the steepest rise. */
import { regimeColour, regimeName } from '../../charts/regimes';
import { useText } from '../../i18n';

/** Shows a swatch, number and name for each label. */
export function RegimeLegend({ count }: { count: number }) {
  const text = useText();
  return (
    <ul className="regime-legend" aria-label={text.labelling.legend}>
      {Array.from({ length: count }, (_, label) => (
        <li key={label}>
          <RegimeSwatch label={label} count={count} />
          {text.labelling.labelOf(label, regimeName(label, count, text))}
        </li>
      ))}
    </ul>
  );
}

/** A square in the label's colour with an edge of its own. */
export function RegimeSwatch({ label, count }: { label: number; count: number }) {
  return <span className="regime-swatch" aria-hidden="true" style={{ backgroundColor: regimeColour(label, count) }} />;
}
