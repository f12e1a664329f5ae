/** What a session is and how it stands, above the fold: state, reason, progress, first error, result. */
import { Link } from 'react-router';

import type { SessionView } from '../../api/types';
import { Facts } from '../../components/Facts';
import { Hash } from '../../components/Hash';
import { Progress } from '../../components/Progress';
import { useText } from '../../i18n';
import { bytes, count, moment, number } from '../../state/format';
import { isTerminal } from './useSession';
import { Waiting } from './Waiting';
import { metricName, metricText } from '../../state/metrics';

const RESULTS = ['total_return', 'sharpe', 'max_drawdown', 'valid_total_return', 'valid_sharpe', 'valid_max_drawdown', 'loss', 'epsilon'];
const MIB = 1024 * 1024;

/** Shows the head of a session's page. */
export function SessionHeader({ session }: { session: SessionView }) {
  const text = useText();
  const { progress } = session;
  const figures = RESULTS.filter((name) => session.last_metrics[name] !== undefined).slice(0, 4);
  const reproducible: Record<string, string> = text.session.reproducible;
  const waiting = session.reason !== '' && ['pending', 'placed', 'starting', 'recovering', 'pausing', 'stopping', 'stopped'].includes(session.state);
  return (
    <section className="session-head card" aria-label={text.common.details}>
      {session.first_error && (
        <div className={`note ${session.state === 'failed' ? 'note-bad' : 'note-warn'}`} role="alert">
          <strong>{text.session.firstError}</strong>
          <p>{session.first_error}</p>
          {session.retry_count > 0 && <p className="hint">{text.session.retries(session.retry_count)}</p>}
        </div>
      )}
      {waiting && <Waiting session={session} />}
      <div className="session-progress">
        <Progress session={session} large />
        <p className="hint num">
          {progress.epoch_count > 0 && text.session.epochOf(Math.min(progress.epoch_index + 1, progress.epoch_count), progress.epoch_count)}
          {progress.step_count > 0 && ` · ${text.session.stepOf(count(progress.step), count(progress.step_count))}`}
          {typeof progress.steps_per_second === 'number' && ` · ${text.sessions.speed(number(progress.steps_per_second, 3))}`}
          {progress.phase && !isTerminal(session.state) && ` · ${progress.phase}`}
        </p>
      </div>
      {figures.length > 0 && (
        <div className="figures">
          {figures.map((name) => (
            <div key={name} className="figure-box">
              <span className="figure-name">{metricName(name, text)}</span>
              <span className="figure-value num">{metricText(name, session.last_metrics[name], text)}</span>
            </div>
          ))}
        </div>
      )}
      <Facts
        facts={[
          [text.sessions.strategy, session.strategy_id && <Link to={`/strategies/${session.strategy_id}?version=${session.strategy_version}`}>{session.strategy_name} v{session.strategy_version}</Link>],
          [text.sessions.dataset, <Link to={`/data/${session.dataset_id}`}>{session.dataset_name}</Link>],
          [text.sessions.node, session.node && <Link to={`/cluster?node=${session.node}`}>{session.node}</Link>],
          [text.session.resources, text.session.resourceText(session.resources.cpu, bytes(session.resources.memory_mib * MIB), session.resources.gpus)],
          [text.session.started, session.started_at && moment(session.started_at)],
          [text.session.finished, session.finished_at && moment(session.finished_at)],
          [text.session.snapshot, <Hash value={session.dataset_sha256} />],
          [text.session.model, session.model_sha256 && <Hash value={session.model_sha256} />],
          [text.session.reproducibility, reproducible[session.reproducibility] ?? session.reproducibility],
          [text.session.build, session.build],
        ]}
      />
    </section>
  );
}
