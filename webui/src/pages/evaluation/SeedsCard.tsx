/** How the result spreads over seeds: the share of runs that reach each return. */
import { useMemo } from 'react';

import type { EvaluationReport } from '../../api/types';
import { LadderChart } from '../../charts/LadderChart';
import { ChartCard } from '../../components/ChartCard';
import { DataTable } from '../../components/DataTable';
import { useText } from '../../i18n';
import { percent, signedPercent } from '../../state/format';

/** Shows the performance profile. */
export function SeedsCard({ seeds }: { seeds: NonNullable<EvaluationReport['seeds']> }) {
  const text = useText();
  const words = text.evaluation;
  const curve = useMemo(() => {
    const points = [...seeds.profile].sort((left, right) => left.threshold - right.threshold);
    return { x: points.map((point) => point.threshold), y: points.map((point) => point.share), mark: points.map(() => null) };
  }, [seeds]);
  return (
    <ChartCard
      title={words.profile}
      chart={<><p className="hint">{words.profileHelp}</p><LadderChart label={words.profile} ladder={curve} shareAcross /></>}
      table={() => (
        <DataTable
          dense
          caption={words.profile}
          rows={seeds.profile}
          rowKey={(row) => String(row.threshold)}
          columns={[
            { key: 'threshold', title: words.threshold, head: true, figure: true, cell: (row) => signedPercent(row.threshold) },
            { key: 'share', title: words.profileShare, figure: true, cell: (row) => percent(row.share, 1) },
          ]}
        />
      )}
    />
  );
}
