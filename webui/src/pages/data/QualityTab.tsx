/** The quality report of a data set, by calendar and, on request, of a split. */
import { useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';

import { CALENDARS, readQuality } from '../../api/datasets';
import { keys } from '../../api/queries';
import type { QualityView } from '../../api/types';
import { Card } from '../../components/Card';
import { CommandHint } from '../../components/CommandHint';
import { DataTable } from '../../components/DataTable';
import { NativeSelect } from '../../components/NativeSelect';
import { Part } from '../../components/Part';
import { useText } from '../../i18n';
import { count, moment, number } from '../../state/format';
import { useUrlState } from '../../state/useUrlState';
import { FindingsTable } from './FindingsTable';
import { tally } from './quality';
import { VerifyCard } from './VerifyCard';

/** Shows what was checked and what was found. */
export function QualityTab({ id }: { id: string }) {
  const text = useText();
  const { quality } = text.datasets;
  const [wanted, setCalendar] = useUrlState('calendar');
  const calendar = CALENDARS.find((each) => each === wanted);
  const [split, setSplit] = useUrlState('split');
  const [draft, setDraft] = useState(split);
  const query = useQuery({ queryKey: keys.datasetPart(id, 'quality', calendar ?? '', split), queryFn: () => readQuality(id, calendar, split), staleTime: Infinity, retry: false });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setSplit(draft.trim());
  };
  return (
    <>
      <Card title={quality.checked}>
        <form noValidate className="quality-form" onSubmit={submit}>
          <div className="field">
            <label htmlFor="quality-calendar">{quality.calendar}</label>
            <NativeSelect id="quality-calendar" value={calendar ?? 'none'} options={(['none', ...CALENDARS] as const).map((value) => ({ value, label: quality.calendars[value] }))} onChange={(value) => setCalendar(value === 'none' ? '' : value)} />
          </div>
          <div className="field">
            <label htmlFor="quality-split">{quality.split} <span className="hint">({text.common.optional})</span></label>
            <Input id="quality-split" value={draft} placeholder="0.7,0.15" aria-describedby="quality-split-help" onChange={(event) => setDraft(event.target.value)} />
            <p className="hint" id="quality-split-help">{quality.splitHelp}</p>
          </div>
          <Button htmlType="submit">{quality.check}</Button>
        </form>
      </Card>
      <Part query={query} lines={6}>{(report) => <QualityReport report={report} />}</Part>
      <CommandHint command={`tm data quality ${id}${calendar ? ` --calendar ${calendar}` : ''}${split ? ` --split ${split}` : ''}`} />
      <VerifyCard id={id} />
    </>
  );
}

function QualityReport({ report }: { report: QualityView }) {
  const text = useText();
  const { quality } = text.datasets;
  const counts = tally(report.findings);
  const clean = report.findings.length === 0;
  return (
    <>
      <Card title={quality.title} className="card-flush-body" aside={<strong className="num">{quality.score(number(report.score, 3))}</strong>}>
        {clean ? (
          <div className="card-pad"><p className="clean"><strong>✓ {quality.clean}</strong></p><p className="hint">{quality.cleanHelp}</p></div>
        ) : (
          <>
            <p className="hint card-pad">{quality.summary(counts.danger, counts.warning, counts.info)}</p>
            <FindingsTable findings={report.findings} />
          </>
        )}
      </Card>
      {report.segments.length > 0 && (
        <Card title={quality.segments} className="card-flush-body">
          <DataTable
            dense
            caption={quality.segments}
            rows={report.segments}
            rowKey={(row) => row.role}
            columns={[
              { key: 'role', title: quality.role, head: true, cell: (row) => text.report.segments[row.role] },
              { key: 'from', title: text.labelling.from, cell: (row) => moment(row.from) },
              { key: 'to', title: text.labelling.to, cell: (row) => moment(row.to) },
              { key: 'rows', title: text.datasets.rows, figure: true, cell: (row) => count(row.rows) },
            ]}
          />
        </Card>
      )}
    </>
  );
}
