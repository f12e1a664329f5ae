/** The actors of one node as a tree, with restarts and how long each takes to answer. */
import { useQuery } from '@tanstack/react-query';

import { listActors } from '../../api/cluster';
import { keys } from '../../api/queries';
import type { NodeView } from '../../api/types';
import { Card } from '../../components/Card';
import { DataTable } from '../../components/DataTable';
import { NativeSelect } from '../../components/NativeSelect';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { count, number } from '../../state/format';
import { useUrlState } from '../../state/useUrlState';
import { type ActorRow, actorRows } from './actorRows';

const REFETCH_MS = 5000;
const TONE: Record<string, string> = { running: 'good', restarting: 'warn', stopped: 'idle' };

/** Shows the actor tree of the node named in the address, else of the node that answers. */
export function ActorsCard({ nodes, here }: { nodes: NodeView[]; here: string }) {
  const text = useText();
  const words = text.cluster;
  const [node, setNode] = useUrlState('node', here);
  const query = useQuery({ queryKey: keys.actors(node), queryFn: () => listActors(node), refetchInterval: REFETCH_MS, enabled: node !== '' });
  const names = nodes.map((each) => each.id);
  const options = [...names, ...(names.includes(node) || node === '' ? [] : [node])].map((value) => ({ value, label: value }));
  const aside = (
    <div className="filters">
      <label htmlFor="actor-node">{words.actorNode}</label>
      <NativeSelect id="actor-node" value={node} options={options} onChange={setNode} />
    </div>
  );
  return (
    <div id="actors">
      <Card title={words.actors} aside={aside} className="card-flush-body">
        <Part query={query} lines={8} isEmpty={(actors) => actors.length === 0} empty={<p className="hint card-pad">{words.noActors}</p>}>
          {(actors) => (
            <>
              <p className="hint num card-line">{words.actorCount(actors.length, actors.reduce((sum, actor) => sum + actor.restart_count, 0))}</p>
              <div className="tree"><Tree rows={actorRows(actors)} /></div>
            </>
          )}
        </Part>
      </Card>
    </div>
  );
}

function Tree({ rows }: { rows: ActorRow[] }) {
  const text = useText();
  const words = text.cluster;
  const states: Record<string, string> = words.actorStates;
  return (
    <DataTable
      dense
      caption={words.actors}
      rows={rows}
      rowKey={(row) => row.actor.name}
      columns={[
        { key: 'name', title: words.actor, head: true, cell: ({ actor, depth }) => <span className="branch" data-depth={Math.min(depth, 6)}>{actor.name}</span> },
        {
          key: 'state', title: text.common.state,
          cell: ({ actor }) => (
            <span className={`badge badge-${TONE[actor.state] ?? 'idle'}`}>
              <span className="badge-dot" aria-hidden="true" />
              {states[actor.state] ?? actor.state}
            </span>
          ),
        },
        { key: 'restarts', title: words.restarts, figure: true, cell: ({ actor }) => count(actor.restart_count) },
        { key: 'age', title: words.queueAge, figure: true, cell: ({ actor }) => <Age ms={actor.queue_age_ms} /> },
        { key: 'error', title: words.lastError, cell: ({ actor }) => actor.last_error },
      ]}
    />
  );
}

/** The node asks for a second and no longer: that figure stands for all above it. */
const ASKED_MS = 1000;

function Age({ ms }: { ms: number | null }) {
  const text = useText();
  const words = text.cluster;
  if (ms === null) return <span className="hint">{words.queueAgeNone}</span>;
  if (ms === 0) return words.ms('< 1');
  return ms < ASKED_MS ? words.ms(number(ms, 3)) : <strong className="late">{words.queueAgeOver(words.ms(number(ASKED_MS)))}</strong>;
}
