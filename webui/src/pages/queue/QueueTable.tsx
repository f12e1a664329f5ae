/** The sessions that wait, in the order in which they will be placed. */
import { Link } from 'react-router';

import type { QueueEntryView } from '../../api/types';
import { Age } from '../../components/Age';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { number } from '../../state/format';
import { reasonText } from '../../state/reasons';

interface QueueTableProps {
  entries: QueueEntryView[];
  /** The session whose reasons are shown beside. */
  chosen: string;
  onChoose: (session: string) => void;
}

/** Shows the queue. */
export function QueueTable({ entries, chosen, onChoose }: QueueTableProps) {
  const text = useText();
  const words = text.queue;
  return (
    <DataTable
      caption={words.waiting}
      rows={entries}
      rowKey={(row) => row.session_id}
      columns={[
        { key: 'position', title: words.position, figure: true, cell: (row) => row.position },
        { key: 'name', title: words.session, head: true, cell: (row) => <Link to={`/sessions/${row.session_id}`}>{row.name}</Link> },
        { key: 'reason', title: words.waitsFor, cell: (row) => <span className="queue-reason">{reasonText(text, row)}</span> },
        { key: 'priority', title: words.priority, figure: true, cell: (row) => number(row.priority) },
        { key: 'since', title: words.since, tight: true, cell: (row) => <Age at={row.created_at} /> },
        {
          key: 'why', title: text.common.details,
          cell: (row) => (
            <button type="button" className="chip" aria-pressed={row.session_id === chosen} aria-label={words.whyOf(row.name)} onClick={() => onChoose(row.session_id === chosen ? '' : row.session_id)}>
              {words.why}
            </button>
          ),
        },
      ]}
    />
  );
}
