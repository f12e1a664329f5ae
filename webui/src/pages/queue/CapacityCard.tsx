/** What is left of every node and of all together. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { keys } from '../../api/queries';
import { readCapacity } from '../../api/scheduler';
import type { AmountsView } from '../../api/types';
import { Card } from '../../components/Card';
import { Meter } from '../../components/Meter';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { bytes, number } from '../../state/format';

const MIB = 1024 * 1024;
const REFETCH_MS = 5000;

/** Shows free capacity, the total first. */
export function CapacityCard() {
  const text = useText();
  const query = useQuery({ queryKey: keys.capacity, queryFn: readCapacity, refetchInterval: REFETCH_MS });
  return (
    <Card title={text.queue.capacity} aside={<Link to="/cluster">{text.nav.cluster}</Link>}>
      <Part query={query} isEmpty={(capacity) => capacity.nodes.length === 0} empty={<p className="hint">{text.queue.noNodes}</p>}>
        {(capacity) => (
          <>
            {capacity.nodes.length > 1 && <Amounts title={text.queue.total} total={capacity.total} free={capacity.free} />}
            {capacity.nodes.map((each) => (
              <Amounts key={each.node} title={each.node} closed={!each.open} total={each.total} free={each.free} />
            ))}
          </>
        )}
      </Part>
    </Card>
  );
}

function Amounts({ title, closed = false, total, free }: { title: string; closed?: boolean; total: AmountsView; free: AmountsView }) {
  const text = useText();
  const words = text.queue.freeOf;
  return (
    <div className="node">
      <div className="node-head">
        <strong>{title}</strong>
        {closed && <span className="tag tag-warn">{text.queue.closedNode}</span>}
      </div>
      <Meter label={text.dashboard.cpu} used={total.cpu - free.cpu} all={total.cpu} words={words(number(free.cpu), number(total.cpu))} />
      <Meter label={text.dashboard.memory} used={total.memory_mib - free.memory_mib} all={total.memory_mib} words={words(bytes(free.memory_mib * MIB), bytes(total.memory_mib * MIB))} />
      {total.gpus > 0 && <Meter label={text.dashboard.gpu} used={total.gpus - free.gpus} all={total.gpus} words={words(String(free.gpus), String(total.gpus))} />}
    </div>
  );
}
