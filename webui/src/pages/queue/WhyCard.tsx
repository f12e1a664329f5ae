/** Why one session waits, or where it is: the planner's own words and what each node lacks. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Link } from 'react-router';

import { keys } from '../../api/queries';
import { whySession } from '../../api/scheduler';
import { getSession } from '../../api/sessions';
import type { WhyView } from '../../api/types';
import { Age } from '../../components/Age';
import { Card } from '../../components/Card';
import { Part } from '../../components/Part';
import { StatusBadge } from '../../components/StatusBadge';
import { useText } from '../../i18n';
import { shortId } from '../../state/format';
import { reasonText } from '../../state/reasons';

const REFETCH_MS = 3000;

/** Shows the panel and leads the keyboard there. */
export function WhyCard({ id, onClose }: { id: string; onClose: () => void }) {
  const text = useText();
  const place = useRef<HTMLDivElement>(null);
  const query = useQuery({ queryKey: keys.sessionPart(id, 'why'), queryFn: () => whySession(id), refetchInterval: REFETCH_MS });
  const session = useQuery({ queryKey: keys.session(id), queryFn: () => getSession(id) });
  const name = session.data?.name ?? shortId(id);
  useEffect(() => {
    place.current?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: 'nearest' });
  }, []);
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
      <p><StatusBadge state={why.state} /> <Age at={why.since} /> {why.position !== null && <span className="hint num">· {words.place(why.position)}</span>}</p>
      {why.node !== null && <p>{words.runsOn(why.node)} <span className="hint num">{words.epoch} {why.epoch}</span></p>}
      {why.reason && <p><strong>{reasonText(text, why)}</strong></p>}
      {why.considered.length > 0 && (
        <>
          <h3>{words.considered}</h3>
          <ul className="why-list">
            {why.considered.map((each) => (
              <li key={each.node}>
                <span>{each.node} {each.fits && <span className="tag tag-good">{words.nothingLacks}</span>}</span>
                {each.lacks.map((sentence) => <span key={sentence} className="hint">{sentence}</span>)}
              </li>
            ))}
          </ul>
        </>
      )}
      <Link to={`/sessions/${why.session_id}`}>{text.report.toSession}</Link>
    </div>
  );
}
