/** Which share of the account each instrument had, policy by policy. */
import { useMemo, useState } from 'react';

import type { PolicyResult } from '../../api/types';
import { LinesChart } from '../../charts/LinesChart';
import { type Layer, layersOf, stackable } from '../../charts/stack';
import { StackChart } from '../../charts/StackChart';
import { ChartCard } from '../../components/ChartCard';
import { NativeSelect } from '../../components/NativeSelect';
import { useText } from '../../i18n';
import { CurvesTable } from './CurvesTable';
import { policyName } from './policyName';

/** A layer as a line, for tables and for shares below zero. */
const asLine = (layer: Layer) => ({ label: layer.name, colour: layer.cash ? 'curve-3' : 'curve-1', values: layer.values, main: false });

/** Shows the weights of one policy; nothing where no policy has any. */
export function WeightsCard({ timesMs, policies }: { timesMs: number[]; policies: PolicyResult[] }) {
  const text = useText();
  const [chosen, setChosen] = useState('');
  const weighted = policies.filter((policy) => policy.weights);
  const policy = weighted.find((each) => each.name === chosen) ?? weighted[0];
  const course = policy?.weights;
  const layers = useMemo(() => (course ? layersOf(course, text) : []), [course, text]);
  const lines = useMemo(() => layers.map(asLine), [layers]);
  if (!policy || !course) return null;
  const title = `${text.report.weights}: ${policyName(policy.name, text)}`;
  const choice = weighted.length > 1 && (
    <NativeSelect id="weights-policy" label={text.report.weightsOf} value={policy.name} options={weighted.map((each) => ({ value: each.name, label: policyName(each.name, text) }))} onChange={setChosen} />
  );
  return (
    <ChartCard
      title={title}
      note={choice}
      chart={stackable(course) ? <StackChart label={title} timesMs={timesMs} layers={layers} /> : <LinesChart label={title} timesMs={timesMs} lines={lines} share height={300} />}
      table={() => <CurvesTable caption={title} timesMs={timesMs} lines={lines} share />}
    />
  );
}
