/** A signed share by colour, arrow and sign. */
import { useText } from '../i18n';
import { signedPercent } from '../state/format';

/** Shows a gain or loss; `null` reads "not defined". */
export function PriceChange({ value }: { value: number | null | undefined }) {
  const text = useText();
  if (value === null || value === undefined) return <span className="hint">{text.common.notDefined}</span>;
  const tone = value > 0 ? 'up' : value < 0 ? 'down' : '';
  return (
    <span className={`num ${tone}`}>
      {value !== 0 && <span aria-hidden="true">{value > 0 ? '▲ ' : '▼ '}</span>}
      {signedPercent(value)}
    </span>
  );
}
