/** Why a file was refused, with line and column. */
import { asProblem, violationText } from '../../api/problem';
import { ErrorNote } from '../../components/ErrorNote';
import { useText } from '../../i18n';

/** Shows where in the file the fault is; other errors as usual. */
export function ImportError({ error }: { error: unknown }) {
  const text = useText();
  const problem = asProblem(error);
  const params = (problem.params ?? {}) as Record<string, unknown>;
  const places = [{ params, detail: problem.detail }, ...(problem.errors ?? []).map((each) => ({ params: (each.params ?? {}) as Record<string, unknown>, detail: violationText(text, each) }))].filter(
    (each) => each.params['line'] !== undefined,
  );
  if (places.length === 0) return <ErrorNote error={error} />;
  return (
    <div className="note note-bad" role="alert">
      <strong>{text.data.refused}</strong>
      <ul>
        {places.map((each) => (
          <li key={each.detail}>
            <code>{text.data.where(String(each.params['line']), each.params['column'] === undefined || each.params['column'] === null ? '' : String(each.params['column']))}</code> {each.detail}
          </li>
        ))}
      </ul>
    </div>
  );
}
