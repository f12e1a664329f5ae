/** The cluster: how it stands, its nodes and who runs on them, the links between them, their actors. */
import { useQuery } from '@tanstack/react-query';

import { readCluster } from '../../api/cluster';
import { about } from '../../api/platform';
import { keys } from '../../api/queries';
import { Age } from '../../components/Age';
import { CommandHint } from '../../components/CommandHint';
import { EmptyNote } from '../../components/EmptyNote';
import { ErrorNote } from '../../components/ErrorNote';
import { Loading } from '../../components/Loading';
import { Page } from '../../components/Page';
import { useText } from '../../i18n';
import { useMay } from '../../state/useMay';
import { useUrlState } from '../../state/useUrlState';
import { ActorsCard } from './ActorsCard';
import { Glance } from './Glance';
import { notices } from './health';
import { LinksCard } from './LinksCard';
import { NodeCard } from './NodeCard';
import { Notices } from './Notices';
import { useNodes } from './useNodes';
import { usePlaced } from './usePlaced';

const REFETCH_MS = 3000;

/** The cluster page. */
export default function ClusterPage() {
  const text = useText();
  const may = useMay('cluster:operate');
  const cluster = useQuery({ queryKey: keys.cluster, queryFn: readCluster, refetchInterval: REFETCH_MS });
  const self = useQuery({ queryKey: keys.about, queryFn: about, staleTime: Infinity });
  const { query, nodes, changedAt } = useNodes();
  const placed = usePlaced(nodes);
  const [, choose] = useUrlState('node');
  const showActors = (id: string) => {
    choose(id);
    document.getElementById('actors')?.scrollIntoView();
  };
  const here = self.data?.node ?? '';
  const view = cluster.data;
  const member = (id: string) => view?.members.find((each) => each.node === id);
  return (
    <Page title={text.cluster.title} aside={changedAt > 0 && <Age live at={changedAt} />}>
      {cluster.error && <ErrorNote error={cluster.error} onRetry={() => void cluster.refetch()} />}
      {view && <Notices notices={notices(view, nodes)} />}
      {view && <Glance cluster={view} nodes={nodes} />}
      {query.error && <ErrorNote error={query.error} onRetry={() => void query.refetch()} />}
      {query.data === undefined && !query.error && <Loading lines={8} />}
      {query.data && nodes.length === 0 && <EmptyNote title={text.cluster.noNodes} />}
      {nodes.length > 0 && (
        <section className="nodes" aria-label={text.cluster.nodes}>
          {nodes.map((node) => (
            <NodeCard key={node.id} node={node} member={member(node.id)} here={node.id === here} alone={view?.alone ?? true} may={may} sessions={placed.get(node.id) ?? []} onActors={() => showActors(node.id)} />
          ))}
        </section>
      )}
      {view && !view.alone && <LinksCard nodes={nodes} />}
      {nodes.length > 0 && here !== '' && <ActorsCard nodes={nodes} here={here} />}
      <CommandHint command="tm cluster status" />
    </Page>
  );
}
