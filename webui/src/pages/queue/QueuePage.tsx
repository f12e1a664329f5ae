/** The queue: who waits in which order and for what, what is free, what users and teams may have. */
import { Age } from '../../components/Age';
import { Card } from '../../components/Card';
import { CommandHint } from '../../components/CommandHint';
import { EmptyNote } from '../../components/EmptyNote';
import { Page } from '../../components/Page';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { useUrlState } from '../../state/useUrlState';
import { CapacityCard } from './CapacityCard';
import { QueueTable } from './QueueTable';
import { QuotasCard } from './QuotasCard';
import { useQueue } from './useQueue';
import { WhyCard } from './WhyCard';

/** The queue page. */
export default function QueuePage() {
  const text = useText();
  const [chosen, choose] = useUrlState('session');
  const query = useQueue();
  return (
    <Page title={text.queue.title} aside={query.dataUpdatedAt > 0 && <Age live at={query.dataUpdatedAt} />}>
      <div className="dashboard">
        <div className="dashboard-main">
          <Part query={query} lines={6} isEmpty={(entries) => entries.length === 0} empty={<EmptyNote title={text.queue.empty} help={text.queue.emptyHelp} />}>
            {(entries) => (
              <Card title={text.queue.waiting} aside={<span className="hint num">{text.queue.waitingCount(entries.length)}</span>} className="card-flush-body">
                <QueueTable entries={entries} chosen={chosen} onChoose={choose} />
              </Card>
            )}
          </Part>
          <QuotasCard />
        </div>
        <div className="dashboard-side">
          {chosen !== '' && <WhyCard key={chosen} id={chosen} onClose={() => choose('')} />}
          <CapacityCard />
        </div>
      </div>
      <CommandHint command={chosen ? `tm session why ${chosen}` : 'tm sched queue'} />
    </Page>
  );
}
