/** The tests against luck as figures: deflated Sharpe ratio, overfitting, snooping, seeds, oracle, scores. */
import type { ReactNode } from 'react';

import type { EvaluationReport } from '../../api/types';
import { Card } from '../../components/Card';
import { Facts } from '../../components/Facts';
import { useText } from '../../i18n';
import { count, number, percent, signedPercent } from '../../state/format';
import { metricText } from '../../state/metrics';
import { policyName } from '../reports/policyName';
import { CheckOutcome } from './CheckOutcome';
import { figureName } from './figures';

/** Shows the parts that there are, two in a row. */
export function RigourCards({ report }: { report: EvaluationReport }) {
  const text = useText();
  const words = text.evaluation;
  const orNot = (value: number | null | undefined, write: (value: number) => string): string => (value === null || value === undefined ? text.common.notDefined : write(value));
  const share = (value: number | null | undefined) => orNot(value, (known) => percent(known, 1));
  const plain = (value: number | null | undefined) => orNot(value, (known) => number(known));
  const cards: [string, [string, ReactNode][]][] = [];
  const { sharpe, overfitting, snooping, seeds, oracle, radar, causality } = report;
  if (sharpe) {
    cards.push([words.sharpe, [
      [words.figures.sharpe, plain(sharpe.ratio)], [words.psr, share(sharpe.psr)], [words.dsr, share(sharpe.dsr)], [words.dsrEffective, share(sharpe.dsr_effective)], [words.expectedBest, plain(sharpe.benchmark)],
      [words.trials, count(sharpe.trials)], [words.trialsEffective, plain(sharpe.trials_effective)],
      [words.trialsLost, sharpe.trials_lost > 0 ? count(sharpe.trials_lost) : null], [words.trackRecordMin, orNot(sharpe.track_record_min, count)], [words.trackRecord, count(sharpe.track_record)],
    ]]);
  }
  if (overfitting) cards.push([words.overfitting, [[words.pbo, share(overfitting.probability)], [words.lossShare, share(overfitting.loss_share)], [words.slope, plain(overfitting.slope)], [words.splits, count(overfitting.splits)]]]);
  if (snooping) {
    cards.push([words.snooping, [
      [words.against, policyName(snooping.benchmark, text)], [words.statistic, number(snooping.statistic)], [words.pConsistent, number(snooping.p_consistent, 3)], [words.pBounds, `${number(snooping.p_lower, 3)} – ${number(snooping.p_upper, 3)}`],
      [words.better, snooping.better.length > 0 ? snooping.better.map((name) => policyName(name, text)).join(', ') : words.none],
    ]]);
  }
  if (seeds) cards.push([words.seeds, [[words.seedCount, count(seeds.count)], [words.iqm, `${signedPercent(seeds.iqm.value)} (${signedPercent(seeds.iqm.interval.low)} … ${signedPercent(seeds.iqm.interval.high)})`]]]);
  if (oracle) cards.push([words.oracle, [[words.oracleReturn, metricText('total_return', oracle.total_return, text)], [words.oracleShare, share(oracle.share)]]]);
  if (radar) {
    cards.push([words.radar, [
      [words.profitability, plain(radar.profitability)], [words.riskControl, plain(radar.risk_control)],
      ...Object.entries(radar.scores).map(([name, value]): [string, ReactNode] => [figureName(name === 'excess' ? 'excess_return' : name, text), plain(value)]),
    ]]);
  }
  if (causality) cards.push([words.parts.causality, [[words.outcome, <CheckOutcome outcome={causality.passed ? 'passed' : 'failed'} />], [words.cuts, count(causality.cuts)], [words.reason, causality.detail], ...(causality.warm_up ?? []).map((each): [string, ReactNode] => [words.warmUp(count(each.rows_before)), words.drift(number(each.largest, 3), number(each.last, 3))])]]);
  return (
    <div className="rigour">
      {cards.map(([title, facts]) => (
        <Card key={title} title={title}>
          {title === words.radar && <p className="hint">{words.score}</p>}
          <Facts facts={facts} />
        </Card>
      ))}
    </div>
  );
}
