/** Everything that was tried with a strategy, and how many independent tries it amounts to. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { keys } from '../../api/queries';
import { listTrials } from '../../api/strategies';
import type { TrialList, TrialView } from '../../api/types';
import { Age } from '../../components/Age';
import { Card } from '../../components/Card';
import { type Column, DataTable } from '../../components/DataTable';
import { ErrorNote } from '../../components/ErrorNote';
import { Loading } from '../../components/Loading';
import { useText } from '../../i18n';
import type { Dictionary } from '../../i18n/en';
import { number } from '../../state/format';

/** Seeds in short; of trained models how many there are. */
export function seedsText(seeds: string[], text: Dictionary): string {
  const first = seeds[0] ?? '';
  if (first.startsWith('ses_')) return text.trials.models(seeds.length);
  return seeds.length < 2 ? first : text.trials.range(first, seeds[seeds.length - 1] ?? '', seeds.length);
}

function columns(text: Dictionary): Column<TrialView>[] {
  return [
    {
      key: 'trial',
      title: text.trials.trial,
      head: true,
      cell: (row) => (row.removed ? <>{row.name} <span className="tag">{text.trials.removed}</span></> : <Link to={`/sessions/${row.session_id}`}>{row.name}</Link>),
    },
    { key: 'kind', title: text.sessions.kind, tight: true, cell: (row) => text.sessions.kinds[row.kind] ?? row.kind },
    { key: 'version', title: text.common.version, figure: true, cell: (row) => row.strategy_version },
    { key: 'data', title: text.trials.data, wide: true, cell: (row) => row.dataset_name },
    { key: 'segment', title: text.trials.segment, cell: (row) => text.report.segments[row.segment as keyof Dictionary['report']['segments']] ?? row.segment },
    { key: 'seeds', title: text.trials.seeds, wide: true, cell: (row) => seedsText(row.seeds, text) },
    { key: 'outcome', title: text.trials.outcome, cell: (row) => (row.outcome ? text.trials.outcomes[row.outcome] : text.trials.running) },
    { key: 'sharpe', title: text.trials.sharpe, figure: true, cell: (row) => (row.sharpe === null || row.sharpe === undefined ? '—' : number(row.sharpe, 3)) },
    { key: 'at', title: text.common.created, cell: (row) => <Age at={row.submitted_at} /> },
  ];
}

/** What the trials amount to, in a sentence. */
export function independentText(trials: TrialList, text: Dictionary): string {
  const found = trials.independent;
  if (!found) return text.trials.notJudged;
  if (found.trials_effective === null || found.trials_effective === undefined) return text.trials.independentUnknown(found.trials);
  return text.trials.independent(found.trials_effective, found.trials);
}

/** Shows the newest trials. */
export function TrialsCard({ strategy }: { strategy: string }) {
  const text = useText();
  const trials = useQuery({ queryKey: keys.trials(strategy), queryFn: () => listTrials(strategy) });
  const found = trials.data;
  return (
    <Card title={text.trials.title}>
      <p className="hint">{text.trials.help}</p>
      {trials.error && <ErrorNote error={trials.error} />}
      {!found && !trials.error && <Loading lines={3} />}
      {found && found.items.length === 0 && <p>{text.trials.empty}</p>}
      {found && found.items.length > 0 && (
        <>
          <DataTable caption={text.trials.title} columns={columns(text)} rows={found.items} rowKey={(row) => row.session_id} dense />
          <p className="hint">
            {text.trials.shown(found.items.length, found.started_count)} {independentText(found, text)}{' '}
            {found.independent && <Link to={`/sessions/${found.independent.session_id}/evaluation`}>{text.trials.evaluation}</Link>}
          </p>
        </>
      )}
    </Card>
  );
}
