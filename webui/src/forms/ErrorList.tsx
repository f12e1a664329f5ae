/** All errors of a form in one list, each a link to its field. */
import { violationText } from '../api/problem';
import type { Violation } from '../api/types';
import { useText } from '../i18n';
import { useFieldText } from './FormContext';
import { fieldId, keysOf } from './pointers';

/** Moves the focus to the field of a pointer, or to the nearest one around it. */
export function focusField(pointer: string): void {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const field = document.getElementById(fieldId(at));
    if (!field) continue;
    field.scrollIntoView({ block: 'center' });
    field.focus({ preventScroll: true });
    return;
  }
}

/** Shows the errors, or nothing. */
export function ErrorList({ errors }: { errors: Violation[] }) {
  const text = useText();
  const fieldText = useFieldText();
  if (errors.length === 0) return null;
  const label = (pointer: string): string => {
    const keys = keysOf(pointer);
    return keys.map((_, index) => fieldText(`/${keys.slice(0, index + 1).join('/')}`, undefined).label).join(' › ');
  };
  return (
    <div className="note note-bad" role="alert">
      <strong>{text.editor.invalid(errors.length)}</strong>
      <ul className="error-list">
        {errors.map((error) => (
          <li key={error.pointer + error.code + error.detail}>
            <button type="button" className="link" onClick={() => focusField(error.pointer)}>
              {label(error.pointer) || text.form.choose}
            </button>{' '}
            {violationText(text, error)}
          </li>
        ))}
      </ul>
    </div>
  );
}
