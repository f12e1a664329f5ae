/** All strategies with their newest version and what can be done next. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router';

import { asProblem, problemTitle } from '../../api/problem';
import { keys } from '../../api/queries';
import { archiveStrategy, listAlgorithms, listStrategies } from '../../api/strategies';
import type { StrategyView } from '../../api/types';
import { Age } from '../../components/Age';
import { CommandHint } from '../../components/CommandHint';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { type Column, DataTable } from '../../components/DataTable';
import { EmptyNote } from '../../components/EmptyNote';
import { LinkButton } from '../../components/LinkButton';
import { Page } from '../../components/Page';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { useTopic } from '../../live/useTopic';
import { toast } from '../../state/toast';
import { useUrlState } from '../../state/useUrlState';

/** The strategies page. */
export default function StrategiesPage() {
  const text = useText();
  const queries = useQueryClient();
  const [search, setSearch] = useUrlState('name');
  const [leaving, setLeaving] = useState<StrategyView | null>(null);
  const live = useTopic<StrategyView>('strategies');
  const query = useQuery({ queryKey: [...keys.strategies, 'list', live.changedAt], queryFn: () => listStrategies(), placeholderData: (before) => before });
  const algorithms = useQuery({ queryKey: keys.algorithms, queryFn: listAlgorithms, staleTime: Infinity });
  const archive = useMutation({
    mutationFn: archiveStrategy,
    onSuccess: () => {
      toast('good', text.strategies.archived);
      void queries.invalidateQueries({ queryKey: keys.strategies });
    },
    onError: (error) => toast('bad', problemTitle(text, asProblem(error))),
    onSettled: () => setLeaving(null),
  });
  const algorithm = (id: string) => algorithms.data?.find((each) => each.id === id);
  const columns: Column<StrategyView>[] = [
    {
      key: 'name', title: text.common.name, head: true,
      cell: (row) => (
        <>
          <Link to={`/strategies/${row.id}`}>{row.name}</Link>
          {row.description && <p className="row-note">{row.description}</p>}
        </>
      ),
    },
    { key: 'algorithm', title: text.strategies.algorithm, cell: (row) => <span className="tag">{algorithm(row.algorithm)?.name ?? row.algorithm}</span> },
    { key: 'version', title: text.common.version, figure: true, cell: (row) => row.version },
    { key: 'updated', title: text.strategies.updated, cell: (row) => <Age at={row.updated_at} /> },
    {
      key: 'actions', title: text.common.actions,
      cell: (row) => (
        <div className="row-actions">
          {algorithm(row.algorithm)?.learns !== false && <LinkButton small to={`/sessions/new?kind=training&strategy=${row.id}`}>{text.strategies.train}</LinkButton>}
          <LinkButton small to={`/sessions/new?kind=backtest&strategy=${row.id}`}>{text.strategies.backtest}</LinkButton>
          <Button size="small" type="text" aria-label={`${text.strategies.archive}: ${row.name}`} onClick={() => setLeaving(row)}>{text.strategies.archive}</Button>
        </div>
      ),
    },
  ];
  const create = <LinkButton primary to="/strategies/new">{text.strategies.create}</LinkButton>;
  return (
    <Page title={text.strategies.title} actions={create}>
      <Part query={query} lines={8} isEmpty={(page) => page.items.length === 0} empty={<EmptyNote title={text.strategies.empty} help={text.strategies.emptyHelp} action={create} />}>
        {(page) => {
          const rows = page.items.filter((row) => row.name.toLowerCase().includes(search.toLowerCase()));
          return (
            <>
              <div className="filters">
                <Input id="strategy-search" type="search" allowClear aria-label={text.strategies.search} placeholder={text.strategies.search} value={search} onChange={(event) => setSearch(event.target.value)} />
              </div>
              {rows.length === 0 ? <EmptyNote title={text.strategies.noMatch} /> : <div className="card card-flush"><DataTable caption={text.strategies.title} columns={columns} rows={rows} rowKey={(row) => row.id} /></div>}
            </>
          );
        }}
      </Part>
      <CommandHint command="tm strategy ls" />
      {leaving && (
        <ConfirmDialog title={text.strategies.archiveAsk(leaving.name)} help={text.strategies.archiveHelp} action={text.strategies.archive} busy={archive.isPending} onConfirm={() => archive.mutate(leaving)} onClose={() => setLeaving(null)} />
      )}
    </Page>
  );
}
