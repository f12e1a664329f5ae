/** The result in a few figures, the agent against buying and holding first. */
import type { BacktestReport } from '../../api/types';
import { PriceChange } from '../../components/PriceChange';
import { useText } from '../../i18n';
import { count, day, number, percent, signedPercent } from '../../state/format';
import { metricName, metricText } from '../../state/metrics';
import { knowsFuture, policyName } from './policyName';

const FIGURES = ['sharpe', 'max_drawdown', 'win_rate'];

/** Shows the headline figures. */
export function Verdict({ report }: { report: BacktestReport }) {
  const text = useText();
  const { agent } = report;
  const total = agent.metrics['total_return'];
  const { execution } = agent;
  const against = report.baselines.filter((policy) => policy.name !== 'random' && !knowsFuture(policy.name)).flatMap((policy) => {
    const theirs = policy.metrics['total_return'];
    return typeof total === 'number' && typeof theirs === 'number' ? [{ name: policyName(policy.name, text), diff: total - theirs }] : [];
  });
  return (
    <section className="verdict card" aria-label={text.report.metrics}>
      <div className="verdict-main">
        <span className="figure-name">{execution ? text.report.execution.shortfall_bps : metricName('total_return', text)}</span>
        <span className="verdict-value">{execution ? <span className="num">{execution.shortfall_bps === null ? text.common.notDefined : number(execution.shortfall_bps)}</span> : <PriceChange value={total} />}</span>
        {!execution && against.map((each) => (
          <span key={each.name} className="hint">{text.report.against(each.name, signedPercent(each.diff))}</span>
        ))}
      </div>
      <div className="figures">
        {(execution ? [] : FIGURES).map((name) => (
          <div key={name} className="figure-box">
            <span className="figure-name">{metricName(name, text)}</span>
            <span className="figure-value num">{metricText(name, agent.metrics[name], text)}</span>
          </div>
        ))}
        <div className="figure-box">
          <span className="figure-name">{text.report.finalEquity}</span>
          <span className="figure-value num">{number(agent.equity.at(-1) ?? 0, 6)}</span>
        </div>
        <div className="figure-box">
          <span className="figure-name">{text.report.costs}</span>
          <span className="figure-value num">{number(agent.costs)}</span>
        </div>
      </div>
      <p className="hint">
        {typeof report.random_percentile === 'number' && <>{text.report.percentile(percent(report.random_percentile, 0))} · </>}
        {report.dataset} · {text.report.segment}: {text.report.segments[report.segment]} · {day(report.from)} – {day(report.to)} · {text.report.bars}: {count(report.times_ms.length)}
      </p>
    </section>
  );
}
