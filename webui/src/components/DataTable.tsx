/** A table that becomes a stack of cards on narrow screens; semantics stay those of a table. */
import type { ReactNode } from 'react';

/** One column. */
export interface Column<T> {
  key: string;
  title: string;
  cell: (row: T) => ReactNode;
  /** Figures: right-aligned, tabular digits. */
  figure?: boolean;
  /** The heading of the row. */
  head?: boolean;
  /** Never broken over lines. */
  tight?: boolean;
  /** Hidden on narrow screens. */
  wide?: boolean;
}

interface DataTableProps<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  dense?: boolean;
}

function classOf<T>(column: Column<T>): string {
  return [column.figure ? 'figure' : '', column.tight ? 'tight' : '', column.wide ? 'wide-only' : '', column.head ? 'row-head' : ''].filter(Boolean).join(' ');
}

/** Shows rows under their columns. */
export function DataTable<T>({ caption, columns, rows, rowKey, dense = false }: DataTableProps<T>) {
  return (
    <table className={dense ? 'table table-dense' : 'table'} role="table">
      <caption className="sr-only">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column.key} role="columnheader" scope="col" className={classOf(column)}>
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={rowKey(row)} role="row">
            {columns.map((column) => {
              const Tag = column.head ? 'th' : 'td';
              return (
                <Tag key={column.key} role={column.head ? 'rowheader' : 'cell'} scope={column.head ? 'row' : undefined} data-label={column.title} className={classOf(column)}>
                  {column.cell(row)}
                </Tag>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
