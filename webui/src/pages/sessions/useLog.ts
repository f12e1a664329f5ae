/** A session's log: read by REST in order, without gaps; the topic `log/{id}` only says when to read on. */
import { useCallback, useEffect, useRef, useState } from 'react';

import { readLogs } from '../../api/sessions';
import type { LogLineView } from '../../api/types';
import { useTopicSink } from '../../live/useTopic';

const KEPT = 5000;
const READ_MS = 400;
const IDLE_READ_MS = 5000;
const PAGE = 500;

/** Reads and follows the log. */
export function useLog(id: string, active: boolean) {
  const [lines, setLines] = useState<LogLineView[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [loaded, setLoaded] = useState(false);
  const last = useRef<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const reading = useRef(false);
  const read = useCallback(async () => {
    timer.current = null;
    if (reading.current) return;
    reading.current = true;
    try {
      for (let more = true; more; ) {
        const page = await readLogs(id, last.current);
        const fresh = page.items.filter((line) => last.current === null || line.seq > last.current);
        last.current = fresh.at(-1)?.seq ?? last.current;
        if (fresh.length > 0) setLines((before) => [...before, ...fresh].slice(-KEPT));
        more = fresh.length >= PAGE;
      }
      setError(null);
    } catch (thrown) {
      setError(thrown);
    } finally {
      reading.current = false;
      setLoaded(true);
    }
  }, [id]);
  const soon = useCallback(() => {
    timer.current ??= setTimeout(() => void read(), READ_MS);
  }, [read]);
  useEffect(() => {
    void read();
    const beat = active ? setInterval(soon, IDLE_READ_MS) : null;
    return () => {
      if (beat !== null) clearInterval(beat);
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
    };
  }, [read, soon, active]);
  useTopicSink(active ? `log/${id}` : null, soon);
  return { lines, error, loaded };
}
