/** An error where it happened: what, why, what next. */
import { Button } from 'antd';

import { asProblem, problemTitle, violationText } from '../api/problem';
import { useText } from '../i18n';

interface ErrorNoteProps {
  error: unknown;
  onRetry?: () => void;
}

/** Shows a failed call; being forbidden is a state of its own. */
export function ErrorNote({ error, onRetry }: ErrorNoteProps) {
  const text = useText();
  const problem = asProblem(error);
  const forbidden = problem.code === 'forbidden';
  return (
    <div className={`note ${forbidden ? 'note-warn' : 'note-bad'}`} role="alert">
      <strong>{forbidden ? text.errors.forbiddenTitle : problemTitle(text, problem)}</strong>
      <p>{forbidden ? text.errors.forbiddenHelp : problem.detail}</p>
      {(problem.errors ?? []).length > 0 && (
        <ul>
          {(problem.errors ?? []).map((violation) => (
            <li key={violation.pointer + violation.code}>
              {violation.pointer && <code>{violation.pointer}</code>} {violationText(text, violation)}
            </li>
          ))}
        </ul>
      )}
      {problem.trace_id && <p className="hint">{text.common.requestId(problem.trace_id)}</p>}
      {onRetry && !forbidden && <Button size="small" onClick={onRetry}>{text.common.retry}</Button>}
    </div>
  );
}
