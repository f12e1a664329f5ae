/** What users and teams may have at once; those who may set it can. */
import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';

import { keys } from '../../api/queries';
import { listQuotas } from '../../api/scheduler';
import { useLogin } from '../../api/session';
import type { QuotaView } from '../../api/types';
import { Card } from '../../components/Card';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { type Column, DataTable } from '../../components/DataTable';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { count } from '../../state/format';
import { useMay } from '../../state/useMay';
import { QuotaDialog } from './QuotaDialog';
import { LIMITS, limitsOf, nameOf } from './quota';
import { useQuotaRemoval } from './useQuotas';

const REFETCH_MS = 15_000;

/** Shows the quotas. */
export function QuotasCard() {
  const text = useText();
  const words = text.queue;
  const may = useMay('scheduler:write');
  const me = useLogin((login) => login.user);
  const query = useQuery({ queryKey: keys.quotas, queryFn: listQuotas, refetchInterval: REFETCH_MS });
  const [editing, setEditing] = useState<QuotaView | 'new' | null>(null);
  const [leaving, setLeaving] = useState<QuotaView | null>(null);
  const removal = useQuotaRemoval();
  const name = (quota: QuotaView) => nameOf(quota, me, words);
  const columns: Column<QuotaView>[] = [
    { key: 'name', title: words.who, head: true, cell: (row) => <>{name(row)} <span className="hint">{row.scope === 'team' ? words.scopes.team : words.scopes.user}</span></> },
    ...LIMITS.map(({ key }) => ({ key, title: words[key], figure: true, cell: (row: QuotaView) => <Limit value={limitsOf(row)[key]} /> })),
    { key: 'weight', title: words.weight, figure: true, cell: (row) => count(row.weight) },
    ...(may ? [{
      key: 'actions', title: text.common.actions,
      cell: (row: QuotaView) => (
        <div className="row-actions">
          <Button size="small" aria-label={`${words.edit}: ${name(row)}`} onClick={() => setEditing(row)}>{words.edit}</Button>
          <Button size="small" type="text" aria-label={`${words.remove}: ${name(row)}`} onClick={() => setLeaving(row)}>{words.remove}</Button>
        </div>
      ),
    }] : []),
  ];
  return (
    <Card title={words.quotas} className="card-flush-body" aside={may && <Button size="small" onClick={() => setEditing('new')}>{words.setQuota}</Button>}>
      <p className="hint card-line">{words.quotasHelp}</p>
      <Part query={query} isEmpty={(quotas) => quotas.length === 0} empty={<p className="card-pad">{words.noQuotas}</p>}>
        {(quotas) => <DataTable caption={words.quotas} columns={columns} rows={quotas} rowKey={(row) => row.id} />}
      </Part>
      {editing && <QuotaDialog quota={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />}
      {leaving && (
        <ConfirmDialog
          title={words.removeAsk(name(leaving))}
          help={words.removeHelp}
          action={words.remove}
          busy={removal.isPending}
          onConfirm={() => removal.mutate(leaving, { onSettled: () => setLeaving(null) })}
          onClose={() => setLeaving(null)}
        />
      )}
    </Card>
  );
}

function Limit({ value }: { value: number | null }) {
  const text = useText();
  return value === null ? <span className="hint">{text.queue.unlimited}</span> : <span className="num">{count(value)}</span>;
}
