/** Labels in reading order: the warning, the series, the segments, the figures, how it was done. */
import { Switch } from 'antd';
import { useState } from 'react';

import type { LabellingReport } from '../../api/types';
import { RegimeChart } from '../../charts/RegimeChart';
import { Card } from '../../components/Card';
import { ChartCard } from '../../components/ChartCard';
import { Facts } from '../../components/Facts';
import { Json } from '../../components/Json';
import { NativeSelect } from '../../components/NativeSelect';
import { Rich } from '../../components/Rich';
import { useText } from '../../i18n';
import { count } from '../../state/format';
import { useUrlState } from '../../state/useUrlState';
import { LabelFigures } from './LabelFigures';
import { RegimeLegend } from './RegimeLegend';
import { SegmentsTable } from './SegmentsTable';

/** Shows the labels of one ticker at a time. */
export function LabelsBody({ report }: { report: LabellingReport }) {
  const text = useText();
  const [ticker, setTicker] = useUrlState('ticker');
  const [filtered, setFiltered] = useState(false);
  const item = report.items.find((each) => each.ticker === ticker) ?? report.items[0];
  const title = item && report.items.length > 1 ? `${text.labelling.price}: ${item.ticker}` : text.labelling.price;
  return (
    <div className="report">
      <div className="note note-warn" role="note">
        <strong>{text.labelling.hindsight}</strong>
        <p>{text.labelling.hindsightHelp}</p>
        {report.remarks.length > 0 && <ul>{report.remarks.map((remark) => <li key={remark}><Rich words={remark} /></li>)}</ul>}
      </div>
      {!item && <p className="hint">{text.labelling.noSegments}</p>}
      {item && (
        <>
          <div className="filters">
            {report.items.length > 1 && (
              <>
                <label htmlFor="label-ticker">{text.labelling.ticker}</label>
                <NativeSelect id="label-ticker" value={item.ticker} options={report.items.map((each) => ({ value: each.ticker, label: each.ticker }))} onChange={setTicker} />
              </>
            )}
            <Switch id="label-filtered" size="small" checked={filtered} onChange={setFiltered} aria-label={text.labelling.filtered} />
            <label htmlFor="label-filtered">{text.labelling.filtered}</label>
          </div>
          <ChartCard
            title={title}
            note={item.chart.times_ms.length < item.row_count && <span className="hint num">{text.labelling.thinned(count(item.chart.times_ms.length), count(item.row_count))}</span>}
            chart={
              <>
                <RegimeLegend count={item.labels_count} />
                <RegimeChart label={title} chart={item.chart} count={item.labels_count} filtered={filtered} />
              </>
            }
            table={() => <SegmentsTable key={item.ticker} item={item} />}
          />
          <Card title={text.labelling.perLabel} className="card-flush-body"><div className="table-scroll" tabIndex={0} role="region" aria-label={text.labelling.perLabel}><LabelFigures item={item} /></div></Card>
          <Card title={text.labelling.segments}><SegmentsTable key={`list ${item.ticker}`} item={item} /></Card>
        </>
      )}
      <Card title={text.labelling.facts}>
        <Facts
          facts={[
            [text.sessions.dataset, report.dataset],
            [text.labelling.column, report.column],
            [text.labelling.tickers, count(report.items.length)],
            [text.labelling.turningPoints, item && count(item.turning_points.length)],
            [text.session.snapshot, <code className="hash hash-long">{report.dataset_sha256}</code>],
            [text.session.build, report.build],
          ]}
        />
        <details>
          <summary>{text.labelling.config}</summary>
          <Json label={text.labelling.config} value={report.config} />
        </details>
      </Card>
    </div>
  );
}
