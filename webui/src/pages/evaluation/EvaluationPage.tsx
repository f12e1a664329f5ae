/** The evaluation that a session made: is the result more than luck? */
import { Button } from 'antd';
import { useParams } from 'react-router';

import { readEvaluation } from '../../api/sessions';
import { CommandHint } from '../../components/CommandHint';
import { LinkButton } from '../../components/LinkButton';
import { Page } from '../../components/Page';
import { SealTag } from '../../components/SealTag';
import { useText } from '../../i18n';
import { downloadJson } from '../../state/download';
import { ResultStates, useResult } from '../sessions/useResult';
import { EvaluationBody } from './EvaluationBody';

/** The evaluation page. */
export default function EvaluationPage() {
  const text = useText();
  const { id = '' } = useParams();
  const result = useResult(id, 'evaluation', readEvaluation);
  const { data } = result.report;
  const actions = (
    <>
      {data && <Button onClick={() => downloadJson(`${result.session?.name ?? id}-evaluation.json`, data)}>{text.labelling.download}</Button>}
      {data?.prudex && <Button onClick={() => downloadJson(`${result.session?.name ?? id}-compass.json`, data.prudex?.compass)}>{text.evaluation.prudex.download}</Button>}
      <LinkButton to={`/sessions/${id}`}>{text.report.toSession}</LinkButton>
    </>
  );
  const badges = (
    <>
      <span className="tag">{text.evaluation.title}</span>
      {data?.synthetic && <span className="tag tag-warn">{text.report.synthetic}</span>}
      <SealTag mark={data?.seal} />
      {data?.truth === 'faithful' && <span className="tag tag-warn">{text.report.faithful}</span>}
    </>
  );
  return (
    <Page title={result.session?.name ?? text.evaluation.title} aside={badges} parent={{ to: '/sessions', label: text.sessions.title }} actions={actions}>
      <ResultStates id={id} result={result} title={text.evaluation.running} help={text.evaluation.runningHelp} />
      {data && <EvaluationBody report={data} />}
      <CommandHint command={`tm session report ${id}`} />
    </Page>
  );
}
