/** Committed checkpoints. */
import { useQuery } from '@tanstack/react-query';

import { keys } from '../../../api/queries';
import { readCheckpoints } from '../../../api/sessions';
import { DataTable } from '../../../components/DataTable';
import { EmptyNote } from '../../../components/EmptyNote';
import { Hash } from '../../../components/Hash';
import { Part } from '../../../components/Part';
import { useText } from '../../../i18n';
import { bytes, count, moment } from '../../../state/format';

const REFETCH_MS = 5000;

/** Shows the checkpoints, newest first. */
export function CheckpointsTab({ id, active }: { id: string; active: boolean }) {
  const text = useText();
  const query = useQuery({ queryKey: keys.sessionPart(id, 'checkpoints'), queryFn: () => readCheckpoints(id), refetchInterval: active ? REFETCH_MS : false });
  return (
    <Part query={query} isEmpty={(items) => items.length === 0} empty={<EmptyNote title={text.session.noCheckpoints} help={text.session.noCheckpointsHelp} />}>
      {(items) => (
        <div className="card card-flush">
          <DataTable
            caption={text.session.tabs.checkpoints}
            rows={[...items].sort((left, right) => right.step - left.step)}
            rowKey={(row) => row.id}
            columns={[
              { key: 'step', title: text.session.step, figure: true, head: true, cell: (row) => count(row.step) },
              { key: 'epoch', title: text.session.epoch, figure: true, cell: (row) => row.epoch_index + 1 },
              { key: 'size', title: text.session.size, figure: true, cell: (row) => bytes(row.size_bytes) },
              { key: 'hash', title: 'SHA-256', cell: (row) => <Hash value={row.sha256} /> },
              { key: 'at', title: text.common.created, cell: (row) => moment(row.created_at) },
            ]}
          />
        </div>
      )}
    </Part>
  );
}
