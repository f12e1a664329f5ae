/** The newest data sets. */
import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from 'react-router';

import type { DatasetView } from '../../api/types';
import { Card } from '../../components/Card';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { count, day, interval } from '../../state/format';
import { instrumentText, kindName } from '../data/quality';

const SHOWN = 5;

/** Shows some data sets. */
export function DatasetList({ query }: { query: UseQueryResult<{ items: DatasetView[] }> }) {
  const text = useText();
  return (
    <Card title={text.dashboard.datasets} aside={<Link to="/data">{text.common.all}</Link>}>
      <Part query={query} isEmpty={(page) => page.items.length === 0} empty={<p className="hint">{text.dashboard.noData}</p>}>
        {(page) => (
          <ul className="brief-list">
            {page.items.slice(0, SHOWN).map((each) => (
              <li key={each.id}>
                <span><Link to={`/data/${each.id}`}>{each.name}</Link> {each.synthetic && <span className="tag tag-warn">{text.data.synthetic}</span>}</span>
                <span className="hint num">{instrumentText(each, text)} · {each.interval_seconds > 0 ? interval(each.interval_seconds) : kindName(each.kind, text)} · {count(each.rows)} · {day(each.to)}</span>
              </li>
            ))}
          </ul>
        )}
      </Part>
    </Card>
  );
}
