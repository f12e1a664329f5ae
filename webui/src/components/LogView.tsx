/** Lines of a log. Follows the end while the reader is at the end. */
import { useLayoutEffect, useRef, useState } from 'react';

import type { LogLineView } from '../api/types';
import { useText } from '../i18n';
import { clock } from '../state/format';

const AT_END_PX = 24;
const DRAWN = 1000;

/** Shows the newest lines and how many came while the reader looked elsewhere. */
export function LogView({ lines, empty }: { lines: LogLineView[]; empty: string }) {
  const text = useText();
  const box = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const [seen, setSeen] = useState(0);
  const newest = lines.at(-1)?.seq ?? 0;
  useLayoutEffect(() => {
    if (!follow || !box.current) return;
    box.current.scrollTop = box.current.scrollHeight;
    setSeen(newest);
  }, [follow, newest, lines]);
  const scrolled = () => {
    const host = box.current;
    if (host) setFollow(host.scrollHeight - host.scrollTop - host.clientHeight < AT_END_PX);
  };
  const unseen = follow ? 0 : lines.filter((line) => line.seq > seen).length;
  return (
    <div className="log-frame">
      <div className="log" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-live="off" aria-label={text.session.tabs.log}>
        {lines.length === 0 && <p className="hint">{empty}</p>}
        {lines.slice(-DRAWN).map((line) => (
          <div key={line.seq} className={`log-line log-${line.level}`}>
            <time dateTime={line.at}>{clock(line.at)}</time>
            <span className="log-level">{line.level}</span>
            <span className="log-text">{line.text}</span>
          </div>
        ))}
      </div>
      {!follow && (
        <button type="button" className="news log-news" onClick={() => setFollow(true)}>
          {unseen > 0 ? text.session.newLines(unseen) : text.session.follow} ↓
        </button>
      )}
    </div>
  );
}
