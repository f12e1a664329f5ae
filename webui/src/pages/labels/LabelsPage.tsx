/** The labels that a session of the kind `labelling` found. */
import { Button } from 'antd';
import { useParams } from 'react-router';

import { readLabels } from '../../api/sessions';
import { CommandHint } from '../../components/CommandHint';
import { LinkButton } from '../../components/LinkButton';
import { Page } from '../../components/Page';
import { useText } from '../../i18n';
import { downloadJson } from '../../state/download';
import { ResultStates, useResult } from '../sessions/useResult';
import { LabelsBody } from './LabelsBody';

/** The labels page. */
export default function LabelsPage() {
  const text = useText();
  const { id = '' } = useParams();
  const result = useResult(id, 'labels', readLabels);
  const { data } = result.report;
  const actions = (
    <>
      {data && <Button onClick={() => downloadJson(`${result.session?.name ?? id}-labels.json`, data)}>{text.labelling.download}</Button>}
      <LinkButton to={`/sessions/${id}`}>{text.report.toSession}</LinkButton>
    </>
  );
  const badges = (
    <>
      <span className="tag">{text.labelling.title}</span>
      {data?.synthetic && <span className="tag tag-warn">{text.report.synthetic}</span>}
    </>
  );
  return (
    <Page title={result.session?.name ?? text.labelling.title} aside={badges} parent={{ to: '/sessions', label: text.sessions.title }} actions={actions}>
      <ResultStates id={id} result={result} title={text.labelling.running} help={text.labelling.runningHelp} />
      {data && <LabelsBody report={data} />}
      <CommandHint command={`tm session report ${id}`} />
    </Page>
  );
}
