/** What is known of a data set. */
import type { DatasetView } from '../../api/types';
import { Card } from '../../components/Card';
import { Facts } from '../../components/Facts';
import { useText } from '../../i18n';
import { bytes, count, interval, moment } from '../../state/format';

/** Shows warnings and facts. */
export function DatasetFacts({ dataset }: { dataset: DatasetView }) {
  const text = useText();
  return (
    <div className="two-columns">
      <Card title={text.common.details}>
        <Facts
          facts={[
            [text.data.instrument, dataset.instrument],
            [text.data.interval, interval(dataset.interval_seconds)],
            [text.data.rows, count(dataset.rows)],
            [text.data.span, `${moment(dataset.from)} – ${moment(dataset.to)}`],
            [text.data.source, dataset.source],
            [text.data.size, bytes(dataset.size_bytes)],
            [text.data.columns, dataset.columns.join(', ')],
            [text.common.created, moment(dataset.created_at)],
            [text.data.checksum, <code className="hash hash-long">{dataset.sha256}</code>],
          ]}
        />
      </Card>
      <Card title={text.data.warningTitle}>
        {dataset.warnings.length === 0 ? <p className="hint">{text.data.noWarnings}</p> : <ul className="warnings">{dataset.warnings.map((warning) => <li key={warning}>{warning}</li>)}</ul>}
      </Card>
    </div>
  );
}
