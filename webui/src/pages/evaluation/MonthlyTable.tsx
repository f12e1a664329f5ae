/** Returns by month as a heat table: every cell carries its figure and sign, colour only underlines them. */
import type { TearSheet } from '../../api/types';
import { heat, monthGrid } from '../../charts/evaluation';
import { useText } from '../../i18n';
import { signedPercent } from '../../state/format';

const STRONGEST = 34;

/** Shows years as rows and months as columns. */
export function MonthlyTable({ sheet }: { sheet: TearSheet }) {
  const text = useText();
  const words = text.evaluation;
  const rows = monthGrid(sheet.periods['month'] ?? [], sheet.periods['year'] ?? []);
  const largest = Math.max(0, ...rows.flatMap((row) => row.months.map((value) => Math.abs(value ?? 0))));
  const colour = (value: number | null) => (value === null ? undefined : { backgroundColor: `color-mix(in srgb, var(${value < 0 ? '--down' : '--up'}) ${Math.round(STRONGEST * heat(value, largest))}%, transparent)` });
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={words.months}>
      <table className="plain-table heat-table">
        <caption className="sr-only">{words.months}</caption>
        <thead><tr><th scope="col">{words.year}</th>{words.monthNames.map((name) => <th key={name} scope="col">{name}</th>)}<th scope="col">{words.figures.total_return}</th></tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.year}>
              <th scope="row" className="num">{row.year}</th>
              {row.months.map((value, index) => <td key={index} className="num" style={colour(value)}>{value === null ? '' : signedPercent(value, 1)}</td>)}
              <td className="num"><strong>{row.total === null ? '' : signedPercent(row.total, 1)}</strong></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
