/** What is left of every node and of all together. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'react-router';

import { keys } from '../../api/queries';
import { readCapacity } from '../../api/scheduler';
import type { RoomView } from '../../api/types';
import { Card } from '../../components/Card';
import { Meter } from '../../components/Meter';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { bytes, count, number } from '../../state/format';

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
            {capacity.nodes.length > 1 && <Room title={text.queue.total} room={capacity.total} />}
            {capacity.nodes.map((each) => (
              <Room key={each.node} title={each.node} closed={!each.open} room={each} />
            ))}
          </>
        )}
      </Part>
    </Card>
  );
}

function Room({ title, closed = false, room }: { title: string; closed?: boolean; room: RoomView }) {
  const text = useText();
  const words = text.queue.freeOf;
  const { cores, memory_mib: memory, gpus } = room;
  return (
    <div className="node">
      <div className="node-head">
        <strong>{title}</strong>
        {closed && <span className="tag tag-warn">{text.queue.closedNode}</span>}
      </div>
      <Meter label={text.dashboard.cpu} used={cores.reserved} all={cores.total} words={words(number(cores.free), number(cores.total))} />
      <Meter label={text.dashboard.memory} used={memory.reserved} all={memory.total} words={words(bytes(memory.free * MIB), bytes(memory.total * MIB))} />
      {gpus.total > 0 && <Meter label={text.dashboard.gpu} used={gpus.reserved} all={gpus.total} words={words(count(gpus.free), count(gpus.total))} />}
    </div>
  );
}
