/** One data set: its prices, its quality, its rows, who uses it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';

import { getDataset, removeDataset } from '../../api/datasets';
import { keys } from '../../api/queries';
import type { DatasetView } from '../../api/types';
import { CommandHint } from '../../components/CommandHint';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { ErrorNote } from '../../components/ErrorNote';
import { LinkButton } from '../../components/LinkButton';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { Tabs } from '../../components/Tabs';
import { useText } from '../../i18n';
import { useUrlState } from '../../state/useUrlState';
import { ConsumersTab } from './ConsumersTab';
import { PricesTab } from './PricesTab';
import { kindName } from './quality';
import { QualityTab } from './QualityTab';
import { RowsTab } from './RowsTab';

const TABS = ['overview', 'quality', 'rows', 'consumers'] as const;

/** The data set page. */
export default function DatasetPage() {
  const text = useText();
  const { id = '' } = useParams();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [leaving, setLeaving] = useState(false);
  const [tab] = useUrlState('tab', 'overview');
  const query = useQuery({ queryKey: keys.dataset(id), queryFn: () => getDataset(id) });
  const remove = useMutation({
    mutationFn: removeDataset,
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: keys.datasets });
      void navigate('/data');
    },
    onSettled: () => setLeaving(false),
  });
  const dataset = query.data;
  const parent = { to: '/data', label: text.data.title };
  if (!dataset) {
    return (
      <Page title={text.data.title} parent={parent}>
        {query.error ? <ErrorNote error={query.error} onRetry={() => void query.refetch()} /> : <Loading lines={8} />}
      </Page>
    );
  }
  const actions = (
    <>
      {dataset.kind === 'bars' ? (
        <LinkButton primary to={`/sessions/new?kind=training&dataset=${dataset.id}`}>{text.data.train}</LinkButton>
      ) : (
        <LinkButton primary to={`/sessions/new?kind=backtest&dataset=${dataset.id}`}>{text.datasets.backtest}</LinkButton>
      )}
      <LinkButton to={`/data/${dataset.id}/derive`}>{text.datasets.derive.action}</LinkButton>
      <LinkButton to={`/sessions/new?kind=labelling&dataset=${dataset.id}`}>{text.datasets.label}</LinkButton>
      <Button danger onClick={() => setLeaving(true)}>{text.data.remove}</Button>
    </>
  );
  const aside = (
    <>
      <span className="tag">{kindName(dataset.kind, text)}</span>
      {dataset.synthetic && <span className="tag tag-warn">{text.data.synthetic}</span>}
      {dataset.looks_ahead && <span className="tag tag-warn">{text.datasets.looksAhead}</span>}
    </>
  );
  return (
    <Page title={dataset.name} parent={parent} actions={actions} aside={aside}>
      {remove.error && <ErrorNote error={remove.error} />}
      <Tabs label={dataset.name} name="tab" current={tab} items={TABS.map((key) => ({ key, label: text.datasets.tabs[key] }))} />
      <Tab name={tab} dataset={dataset} />
      {tab === 'overview' && <CommandHint command={`tm data show ${dataset.id}`} />}
      {leaving && <ConfirmDialog title={text.data.removeAsk(dataset.name)} help={text.data.removeHelp} action={text.data.remove} busy={remove.isPending} onConfirm={() => remove.mutate(dataset)} onClose={() => setLeaving(false)} />}
    </Page>
  );
}

function Tab({ name, dataset }: { name: string; dataset: DatasetView }) {
  switch (name) {
    case 'quality':
      return <QualityTab id={dataset.id} />;
    case 'rows':
      return <RowsTab id={dataset.id} />;
    case 'consumers':
      return <ConsumersTab id={dataset.id} />;
    default:
      return <PricesTab dataset={dataset} />;
  }
}
