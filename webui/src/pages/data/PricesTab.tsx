/** A data set's prices: candles, or for a book its best prices and spread; of a panel one instrument at a time. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';

import { readBars } from '../../api/datasets';
import { keys } from '../../api/queries';
import type { BarsView, DatasetView } from '../../api/types';
import { bookLines, isBook, spreadLines } from '../../charts/bookLines';
import { CandleChart } from '../../charts/CandleChart';
import { LinesChart } from '../../charts/LinesChart';
import { ChartCard } from '../../components/ChartCard';
import { NativeSelect } from '../../components/NativeSelect';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { useUrlState } from '../../state/useUrlState';
import { CurvesTable } from '../reports/CurvesTable';
import { BarsTable } from './BarsTable';
import { DatasetFacts } from './DatasetFacts';

const BINS = 1000;

/** Shows the chart and what is known of the data set. */
export function PricesTab({ dataset }: { dataset: DatasetView }) {
  const text = useText();
  const [instrument, setInstrument] = useUrlState('instrument');
  const bars = useQuery({ queryKey: keys.bars(dataset.id, instrument), queryFn: () => readBars(dataset.id, BINS, instrument || undefined), staleTime: Infinity, placeholderData: (before) => before });
  const choices = bars.data?.instruments ?? dataset.instruments ?? [];
  return (
    <>
      {choices.length > 1 && (
        <div className="filters">
          <label htmlFor="chart-instrument">{text.datasets.chooseInstrument}</label>
          <NativeSelect id="chart-instrument" value={bars.data?.instrument ?? instrument} options={choices.map((value) => ({ value, label: value }))} onChange={setInstrument} />
        </div>
      )}
      <Part query={bars} lines={8}>{(data) => <Prices bars={data} name={dataset.name} />}</Part>
      <DatasetFacts dataset={dataset} />
    </>
  );
}

function Prices({ bars, name }: { bars: BarsView; name: string }) {
  const text = useText();
  const note = bars.stride > 1 && <span className="hint num">{isBook(bars) ? text.datasets.binned(bars.stride) : text.data.binned(bars.stride)}</span>;
  const prices = useMemo(() => bookLines(bars, text), [bars, text]);
  const spread = useMemo(() => spreadLines(bars, text), [bars, text]);
  const label = `${text.data.prices}: ${bars.instrument ?? name}`;
  if (!isBook(bars)) return <ChartCard title={text.data.prices} note={note} chart={<CandleChart bars={bars} label={label} />} table={() => <BarsTable bars={bars} />} />;
  return (
    <>
      <ChartCard
        title={text.datasets.bestPrices}
        note={note}
        chart={<LinesChart label={label} timesMs={bars.times_ms} lines={prices} share={false} height={320} />}
        table={() => <CurvesTable caption={text.datasets.bestPrices} timesMs={bars.times_ms} lines={prices} share={false} />}
      />
      {spread.length > 0 && (
        <ChartCard
          title={text.datasets.spread}
          chart={<LinesChart label={text.datasets.spread} timesMs={bars.times_ms} lines={spread} share={false} filled height={180} />}
          table={() => <CurvesTable caption={text.datasets.spread} timesMs={bars.times_ms} lines={spread} share={false} />}
        />
      )}
    </>
  );
}
