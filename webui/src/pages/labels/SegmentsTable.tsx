/** The stretches of a labelled series as figures. */
import { Button } from 'antd';
import { useState } from 'react';

import type { LabelledItem, LabelSegment } from '../../api/types';
import { regimeName } from '../../charts/regimes';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { count, moment, number } from '../../state/format';
import { RegimeSwatch } from './RegimeLegend';

const PAGE = 50;

/** Shows the segments in order of time. */
export function SegmentsTable({ item }: { item: LabelledItem }) {
  const text = useText();
  const [shown, setShown] = useState(PAGE);
  if (item.segments.length === 0) return <p className="hint">{text.labelling.noSegments}</p>;
  return (
    <>
      <p className="hint">{text.common.showing(Math.min(shown, item.segments.length), item.segments.length)}</p>
      <DataTable<LabelSegment>
        dense
        caption={text.labelling.segments}
        rows={item.segments.slice(0, shown)}
        rowKey={(row) => String(row.start)}
        columns={[
          { key: 'from', title: text.labelling.from, head: true, cell: (row) => moment(row.from_ms) },
          { key: 'to', title: text.labelling.to, cell: (row) => moment(row.to_ms) },
          { key: 'rows', title: text.labelling.rows, figure: true, cell: (row) => count(row.end - row.start) },
          { key: 'slope', title: text.labelling.slope, figure: true, cell: (row) => number(row.slope) },
          {
            key: 'label', title: text.labelling.label,
            cell: (row) => <span className="regime-cell"><RegimeSwatch label={row.label} count={item.labels_count} />{text.labelling.labelOf(row.label, regimeName(row.label, item.labels_count, text))}</span>,
          },
        ]}
      />
      {shown < item.segments.length && <Button onClick={() => setShown(shown + PAGE)}>{text.common.more}</Button>}
    </>
  );
}
