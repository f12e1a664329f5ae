/** The log: follow, level, search. New lines never move what is being read unless follow is on. */
import { Input } from 'antd';
import { useMemo } from 'react';

import { ErrorNote } from '../../../components/ErrorNote';
import { Loading } from '../../../components/Loading';
import { LogView } from '../../../components/LogView';
import { NativeSelect } from '../../../components/NativeSelect';
import { useText } from '../../../i18n';
import { useUrlState } from '../../../state/useUrlState';
import { useLog } from '../useLog';

const RANK: Record<string, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Shows a session's log. */
export function LogTab({ id, active }: { id: string; active: boolean }) {
  const text = useText();
  const { lines, error, loaded } = useLog(id, active);
  const [level, setLevel] = useUrlState('level', 'all');
  const [search, setSearch] = useUrlState('search');
  const shown = useMemo(() => {
    const least = RANK[level] ?? 0;
    const wanted = search.toLowerCase();
    return lines.filter((line) => (RANK[line.level] ?? 3) >= least && (wanted === '' || line.text.toLowerCase().includes(wanted)));
  }, [lines, level, search]);
  if (error !== null && lines.length === 0) return <ErrorNote error={error} />;
  if (!loaded) return <Loading lines={6} />;
  const levels = (['all', 'info', 'warn', 'error'] as const).map((value) => ({ value, label: text.session.levels[value] }));
  return (
    <section className="card log-card" aria-label={text.session.tabs.log}>
      <div className="filters">
        <NativeSelect id="log-level" label={text.session.level} value={level} options={levels} onChange={setLevel} />
        <Input id="log-search" type="search" allowClear aria-label={text.session.searchLog} placeholder={text.session.searchLog} value={search} onChange={(event) => setSearch(event.target.value)} />
        <span className="hint num">{text.session.lines(shown.length)}</span>
      </div>
      <LogView lines={shown} empty={lines.length === 0 ? text.session.noLines : text.session.noLinesMatch} />
    </section>
  );
}
