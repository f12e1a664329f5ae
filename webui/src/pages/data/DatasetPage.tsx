/** One data set: prices, warnings, where it came from. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';

import { getDataset, readBars, removeDataset } from '../../api/datasets';
import { keys } from '../../api/queries';
import { CandleChart } from '../../charts/CandleChart';
import { ChartCard } from '../../components/ChartCard';
import { CommandHint } from '../../components/CommandHint';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { ErrorNote } from '../../components/ErrorNote';
import { LinkButton } from '../../components/LinkButton';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { useText } from '../../i18n';
import { BarsTable } from './BarsTable';
import { DatasetFacts } from './DatasetFacts';

const BINS = 1000;

/** The data set page. */
export default function DatasetPage() {
  const text = useText();
  const { id = '' } = useParams();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [leaving, setLeaving] = useState(false);
  const query = useQuery({ queryKey: keys.dataset(id), queryFn: () => getDataset(id) });
  const bars = useQuery({ queryKey: keys.bars(id), queryFn: () => readBars(id, BINS), staleTime: Infinity });
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
      <LinkButton primary to={`/sessions/new?kind=training&dataset=${dataset.id}`}>{text.data.train}</LinkButton>
      <Button danger onClick={() => setLeaving(true)}>{text.data.remove}</Button>
    </>
  );
  return (
    <Page title={dataset.name} parent={parent} actions={actions} aside={dataset.synthetic && <span className="tag tag-warn">{text.data.synthetic}</span>}>
      {remove.error && <ErrorNote error={remove.error} />}
      {bars.error && <ErrorNote error={bars.error} onRetry={() => void bars.refetch()} />}
      {bars.isPending && <Loading lines={8} />}
      {bars.data && (
        <ChartCard
          title={text.data.prices}
          note={bars.data.stride > 1 && <span className="hint num">{text.data.binned(bars.data.stride)}</span>}
          chart={<CandleChart bars={bars.data} label={`${text.data.prices}: ${dataset.name}`} />}
          table={() => <BarsTable bars={bars.data} />}
        />
      )}
      <DatasetFacts dataset={dataset} />
      <CommandHint command={`tm data show ${dataset.id}`} />
      {leaving && <ConfirmDialog title={text.data.removeAsk(dataset.name)} help={text.data.removeHelp} action={text.data.remove} busy={remove.isPending} onConfirm={() => remove.mutate(dataset)} onClose={() => setLeaving(false)} />}
    </Page>
  );
}
