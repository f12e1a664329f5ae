/** Cells as the data holds them; empty ones are shown as such. */

interface CellsTableProps {
  label: string;
  columns: string[];
  rows: (string | null)[][];
  /** Number of the first row; absent where rows are not numbered. */
  start?: number;
  rowTitle?: string;
}

/** Shows rows in a region that scrolls sideways by itself. */
export function CellsTable({ label, columns, rows, start, rowTitle = '#' }: CellsTableProps) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="plain-table">
        <caption className="sr-only">{label}</caption>
        <thead>
          <tr>
            {start !== undefined && <th scope="col">{rowTitle}</th>}
            {columns.map((name, index) => <th key={index} scope="col">{name || '—'}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {start !== undefined && <th scope="row" className="num">{start + index}</th>}
              {row.map((cell, column) => <td key={column} className="num">{cell ?? '—'}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
