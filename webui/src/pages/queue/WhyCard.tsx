/** Why one session waits, or where it is: the planner's own words and what each node lacks. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Link } from 'react-router';

import { keys } from '../../api/queries';
import { whySession } from '../../api/scheduler';
import type { WhyView } from '../../api/types';
import { Card } from '../../components/Card';
import { Part } from '../../components/Part';
import { StatusBadge } from '../../components/StatusBadge';
import { useText } from '../../i18n';
import { reasonText } from '../../state/reasons';

const REFETCH_MS = 3000;

/** Shows the panel and leads the keyboard there. */
export function WhyCard({ id, onClose }: { id: string; onClose: () => void }) {
  const text = useText();
  const place = useRef<HTMLDivElement>(null);
  const query = useQuery({ queryKey: keys.sessionPart(id, 'why'), queryFn: () => whySession(id), refetchInterval: REFETCH_MS });
  useEffect(() => {
    place.current?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const name = query.data?.name ?? '';
  return (
    <div ref={place} tabIndex={-1} className="why-panel">
      <Card title={text.queue.whyTitle(name)} aside={<button type="button" className="chip" onClick={onClose}>{text.common.close}</button>}>
        <Part query={query}>{(why) => <Answer why={why} />}</Part>
      </Card>
    </div>
  );
}

function Answer({ why }: { why: WhyView }) {
  const text = useText();
  const words = text.queue;
  return (
    <div className="why">
      <p><StatusBadge state={why.state} /> {why.position !== null && <span className="hint num">{words.place(why.position)}</span>}</p>
      {why.node !== null && <p>{words.runsOn(why.node)} <span className="hint num">{words.epoch} {why.epoch}</span></p>}
      {why.reason && <p><strong>{reasonText(text, why)}</strong></p>}
      {why.considered.length > 0 && (
        <>
          <h3>{words.considered}</h3>
          <ul className="why-list">
            {why.considered.map((each) => (
              <li key={each.node}>
                <span>{each.node} {!each.open && <span className="tag tag-warn">{words.closedNode}</span>}</span>
                <span className="hint">{each.lacks.length > 0 ? `${words.lacks}: ${each.lacks.map((one) => words.amount(one.dimension, one.missing)).join(', ')}` : words.nothingLacks}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <Link to={`/sessions/${why.session_id}`}>{text.report.toSession}</Link>
    </div>
  );
}
