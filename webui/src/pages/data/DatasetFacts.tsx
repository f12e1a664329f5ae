/** What is known of a data set. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { readConsumers } from '../../api/datasets';
import { keys } from '../../api/queries';
import type { DatasetView } from '../../api/types';
import { Card } from '../../components/Card';
import { Facts } from '../../components/Facts';
import { useText } from '../../i18n';
import { bytes, count, interval, moment } from '../../state/format';
import { instrumentText, kindName } from './quality';
import { StepList } from './StepList';

const NAMED = 12;

/** Shows facts, warnings, notes and the steps that were taken. */
export function DatasetFacts({ dataset }: { dataset: DatasetView }) {
  const text = useText();
  const names = dataset.instruments ?? [];
  const more = (dataset.instrument_count ?? names.length) - Math.min(NAMED, names.length);
  const steps = dataset.transformations ?? [];
  return (
    <div className="two-columns">
      <Card title={text.common.details}>
        <Facts
          facts={[
            [text.datasets.kind, kindName(dataset.kind, text)],
            [text.data.instrument, instrumentText(dataset, text)],
            [text.datasets.instruments, names.length > 1 && `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` ${text.datasets.andMore(more)}` : ''}`],
            [text.data.interval, dataset.interval_seconds > 0 && interval(dataset.interval_seconds)],
            [text.datasets.levels, dataset.levels],
            [text.datasets.rows, count(dataset.rows)],
            [text.data.span, `${moment(dataset.from)} – ${moment(dataset.to)}`],
            [text.datasets.dialect, dataset.dialect && (text.datasets.reading.dialects[dataset.dialect as keyof typeof text.datasets.reading.dialects] ?? dataset.dialect)],
            [text.data.source, dataset.source],
            [text.datasets.parent, dataset.parent_sha256 && <Parents dataset={dataset} />],
            [text.datasets.filled, dataset.filled ? count(dataset.filled) : null],
            [text.data.size, bytes(dataset.size_bytes)],
            [text.data.columns, dataset.columns.join(', ')],
            [text.common.created, moment(dataset.created_at)],
            [text.data.checksum, <code className="hash hash-long">{dataset.sha256}</code>],
          ].map(([name, value]) => [name as string, value === false ? null : value])}
        />
      </Card>
      <Card title={text.data.warningTitle}>
        {dataset.looks_ahead && <div className="note note-warn"><strong>{text.datasets.looksAhead}</strong><p>{text.datasets.looksAheadHelp}</p></div>}
        {dataset.warnings.length === 0 ? <p className="hint">{text.data.noWarnings}</p> : <ul className="warnings">{dataset.warnings.map((warning) => <li key={warning}>{text.said(warning)}</li>)}</ul>}
        {(dataset.notes ?? []).length > 0 && (
          <>
            <h3>{text.datasets.notes}</h3>
            <ul className="warnings">{(dataset.notes ?? []).map((note) => <li key={note}>{text.said(note)}</li>)}</ul>
          </>
        )}
        {steps.length > 0 && (
          <>
            <h3>{text.datasets.steps}</h3>
            <StepList steps={steps} />
          </>
        )}
      </Card>
    </div>
  );
}

/** The data sets that hold the snapshot this one was made of; its hash where none does any more. */
function Parents({ dataset }: { dataset: DatasetView }) {
  const query = useQuery({ queryKey: keys.datasetPart(dataset.id, 'consumers'), queryFn: () => readConsumers(dataset.id) });
  const parents = query.data?.made_of ?? [];
  if (parents.length === 0) return <code className="hash">{(dataset.parent_sha256 ?? '').slice(0, 12)}</code>;
  return <>{parents.map((each, index) => <span key={each.id}>{index > 0 && ', '}<Link to={`/data/${each.id}`}>{each.name}</Link></span>)}</>;
}
