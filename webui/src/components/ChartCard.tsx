/** A chart with its heading and the same figures as a table. */
import { type ReactNode, useState } from 'react';

import { useText } from '../i18n';
import { Card } from './Card';

interface ChartCardProps {
  title: string;
  note?: ReactNode;
  className?: string;
  chart: ReactNode;
  /** Made only when it is asked for. */
  table: () => ReactNode;
}

/** Shows the chart or, on request, its table. */
export function ChartCard({ title, note, className, chart, table }: ChartCardProps) {
  const text = useText();
  const [asTable, setAsTable] = useState(false);
  // What a press shows; the name begins with the word that is seen.
  const other = asTable ? text.common.asChart : text.common.asTable;
  const toggle = (
    <>
      {note}
      <button type="button" className="chip" aria-label={`${other}: ${title}`} onClick={() => setAsTable(!asTable)}>
        {other}
      </button>
    </>
  );
  return (
    <Card title={title} aside={toggle} className={className}>
      {asTable ? <div className="table-scroll" tabIndex={0} role="region" aria-label={title}>{table()}</div> : chart}
    </Card>
  );
}
