/** The way from nothing to a back-tested agent, with what is done already. */
import { CheckCircleFilled } from '@ant-design/icons';
import { Link } from 'react-router';

import type { DatasetView, SessionView, StrategyView } from '../../api/types';
import { Card } from '../../components/Card';
import { LinkButton } from '../../components/LinkButton';
import { useText } from '../../i18n';

interface QuickStartProps {
  datasets: DatasetView[];
  strategies: StrategyView[];
  sessions: SessionView[];
}

/** Shows four steps; the first one that is not done stands out. */
export function QuickStart({ datasets, strategies, sessions }: QuickStartProps) {
  const text = useText();
  const trained = sessions.find((each) => each.kind === 'training' && each.model_sha256 !== null);
  const { steps } = text.dashboard;
  const list = [
    { title: steps.data, help: steps.dataHelp, to: '/data/import', done: datasets.length > 0 },
    { title: steps.strategy, help: steps.strategyHelp, to: '/strategies/new', done: strategies.length > 0 },
    { title: steps.train, help: steps.trainHelp, to: '/sessions/new?kind=training', done: sessions.some((each) => each.kind === 'training') },
    { title: steps.backtest, help: steps.backtestHelp, to: trained ? `/sessions/new?kind=backtest&from=${trained.id}` : '/sessions/new?kind=backtest', done: sessions.some((each) => each.kind === 'backtest') },
  ];
  const next = list.findIndex((step) => !step.done);
  return (
    <Card title={text.dashboard.start}>
      <ol className="steps">
        {list.map((step, index) => (
          <li key={step.title} className={step.done ? 'step-done' : ''}>
            <span className="step-mark" aria-hidden="true">{step.done ? <CheckCircleFilled /> : index + 1}</span>
            <span className="step-text">
              <Link className="step-title" to={step.to}>{step.title}</Link>
              <span className="hint">{step.help}</span>
            </span>
            {index === next && <LinkButton small primary to={step.to}>{step.title}</LinkButton>}
          </li>
        ))}
      </ol>
    </Card>
  );
}
