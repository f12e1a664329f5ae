/** What an import would read, before anything is stored: format, span, first rows, warnings, faults. */
import type { UseQueryResult } from '@tanstack/react-query';

import { asProblem, violationText } from '../../api/problem';
import type { InspectionView, Violation } from '../../api/types';
import { ErrorNote } from '../../components/ErrorNote';
import { Facts } from '../../components/Facts';
import { useText } from '../../i18n';
import { count, interval, moment } from '../../state/format';
import { CellsTable } from './CellsTable';
import { instrumentText, kindName } from './quality';
import { StepList } from './StepList';

/** Shows the answer, or that it is on its way. A node that cannot look into files says so and nothing is lost. */
export function Inspection({ query, about = 'file' }: { query: UseQueryResult<InspectionView>; about?: 'file' | 'dataset' }) {
  const text = useText();
  const words = about === 'file' ? text.datasets.inspect : { ...text.datasets.inspect, ...text.datasets.derive.preview };
  if (query.isFetching && !query.data) return <p className="hint" role="status">{words.working}</p>;
  if (query.error) return asProblem(query.error).status === 404 ? <p className="hint" role="status">{words.unavailable}</p> : <ErrorNote error={query.error} />;
  if (!query.data) return null;
  return (
    <section className="subgroup inspection" aria-label={words.title} aria-busy={query.isFetching}>
      <h3>{words.title}</h3>
      <p role="status" className={query.data.ok ? 'check check-good' : 'check check-bad'}>{query.data.ok ? `✓ ${words.good}` : `✗ ${words.bad}`}</p>
      <Faults errors={query.data.errors} />
      <Found view={query.data} />
    </section>
  );
}

function Faults({ errors }: { errors: Violation[] }) {
  const text = useText();
  if (errors.length === 0) return null;
  return (
    <ul className="warnings">
      {errors.map((error, index) => {
        const params = (error.params ?? {}) as Record<string, unknown>;
        const place = params['line'] === undefined || params['line'] === null ? '' : text.data.where(String(params['line']), params['column'] === undefined || params['column'] === null ? '' : String(params['column']));
        return <li key={index}>{place && <code>{place}</code>} {violationText(text, error)}</li>;
      })}
    </ul>
  );
}

function Found({ view }: { view: InspectionView }) {
  const text = useText();
  const words = text.datasets.inspect;
  const { detection, data } = view;
  const known: Record<string, string> = text.datasets.reading.dialects;
  const told = [...view.warnings, ...view.notes];
  return (
    <>
      <Facts
        facts={[
          [words.found, detection && `${known[detection.dialect] ?? detection.name} (${words.certainty[detection.certainty] ?? detection.certainty})`],
          [words.because, detection && text.said(detection.reason)],
          [text.datasets.kind, data && kindName(data.kind, text)],
          [text.data.instrument, data && instrumentText({ instrument: data.instruments[0] ?? '', instrument_count: data.instrument_count }, text)],
          [text.datasets.rows, data && count(data.rows)],
          [text.data.span, data && `${moment(data.from)} – ${moment(data.to)}`],
          [text.data.interval, data?.interval_seconds ? interval(data.interval_seconds) : null],
          [text.datasets.levels, data?.levels],
          [text.datasets.filled, data && data.filled > 0 ? count(data.filled) : null],
        ]}
      />
      {data?.looks_ahead && <p className="note note-warn">{text.datasets.looksAheadHelp}</p>}
      {(data?.transformations ?? []).length > 0 && (
        <>
          <h3>{text.datasets.steps}</h3>
          <StepList steps={data?.transformations ?? []} />
        </>
      )}
      {told.length > 0 && (
        <>
          <h3>{words.warnings}</h3>
          <ul className="warnings">{told.map((each) => <li key={each}>{text.said(each)}</li>)}</ul>
        </>
      )}
      {data && data.head.length > 0 && (
        <>
          <h3>{words.asStored}</h3>
          <CellsTable label={words.asStored} columns={data.columns} rows={data.head} />
        </>
      )}
    </>
  );
}
