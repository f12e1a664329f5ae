/** Every change of a session's state: when, what, why, by whom. */
import { useQuery } from '@tanstack/react-query';

import { useLogin } from '../../../api/session';
import { keys } from '../../../api/queries';
import { readTimeline } from '../../../api/sessions';
import { Part } from '../../../components/Part';
import { StatusBadge } from '../../../components/StatusBadge';
import { useText } from '../../../i18n';
import { clock, day, duration, shortId } from '../../../state/format';

/** Shows the timeline, newest first. */
export function TimelineTab({ id }: { id: string }) {
  const text = useText();
  const user = useLogin((login) => login.user);
  const query = useQuery({ queryKey: keys.sessionPart(id, 'timeline'), queryFn: () => readTimeline(id) });
  return (
    <Part query={query}>
      {(items) => (
        <ol className="timeline card">
          {items
            .map((item, index) => ({ item, before: items[index - 1] }))
            .reverse()
            .map(({ item, before }) => (
              <li key={item.seq}>
                <time className="num" dateTime={item.at} title={`${day(item.at)} UTC`}>{clock(item.at)}</time>
                <StatusBadge state={item.to} />
                <span className="timeline-why">{item.reason}</span>
                <span className="hint">
                  {text.session.by} {item.actor === user?.id ? user.name : shortId(item.actor)}
                  {before && ` · +${duration((Date.parse(item.at) - Date.parse(before.at)) / 1000, text)}`}
                </span>
              </li>
            ))}
        </ol>
      )}
    </Part>
  );
}
