/** Short messages in a corner, read out politely. */
import { useText } from '../i18n';
import { dismiss, useToasts } from '../state/toast';

/** Shows the messages of the moment. */
export function Toasts() {
  const text = useText();
  const toasts = useToasts((state) => state.toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((each) => (
        <div key={each.id} className={`toast toast-${each.kind}`}>
          <span>{each.text}</span>
          <button type="button" className="toast-close" aria-label={text.common.close} onClick={() => dismiss(each.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
