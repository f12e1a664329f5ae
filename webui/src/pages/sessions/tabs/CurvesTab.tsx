/** Live curves: the ones that matter most, or every one that was recorded. */
import { CurveChart } from '../../../charts/CurveChart';
import { ChartCard } from '../../../components/ChartCard';
import { EmptyNote } from '../../../components/EmptyNote';
import { ErrorNote } from '../../../components/ErrorNote';
import { LinkButton } from '../../../components/LinkButton';
import { Loading } from '../../../components/Loading';
import type { SessionView } from '../../../api/types';
import { useText } from '../../../i18n';
import { metricName, OVERVIEW } from '../../../state/metrics';
import { resultAddress } from '../kinds';
import { isTerminal } from '../useSession';
import { useCurves } from '../useCurves';
import { BinNote } from './BinNote';
import { CurveTable } from './CurveTable';

const COLOURS = ['curve-1', 'curve-2', 'curve-4', 'curve-3'] as const;

/** Shows the overview's curves, or with `every` all of them. */
export function CurvesTab({ session, every = false }: { session: SessionView; every?: boolean }) {
  const text = useText();
  const { set, query, names } = useCurves(session.id, !isTerminal(session.state));
  if (query.error && names.length === 0) return <ErrorNote error={query.error} onRetry={() => void query.refetch()} />;
  if (query.isPending && names.length === 0) return <Loading lines={6} />;
  const overview = OVERVIEW.flatMap((group) => group.names).filter((name) => names.includes(name));
  const shown = every ? names : overview;
  const result = resultAddress(session);
  if (shown.length === 0 && result !== null && session.report_sha256) {
    return <EmptyNote title={text.session.inReport} action={<LinkButton primary to={result}>{text.session.openResult}</LinkButton>} />;
  }
  if (shown.length === 0) {
    return <EmptyNote title={isTerminal(session.state) ? text.session.chartNone : text.session.noMetrics} help={isTerminal(session.state) ? undefined : text.session.chartEmpty} />;
  }
  return (
    <div className="chart-grid">
      {shown.map((name, index) => (
        <ChartCard
          key={name}
          title={metricName(name, text)}
          note={<BinNote set={set} name={name} />}
          chart={<CurveChart set={set} name={name} label={metricName(name, text)} colour={COLOURS[index % COLOURS.length]} />}
          table={() => <CurveTable set={set} name={name} />}
        />
      ))}
    </div>
  );
}
