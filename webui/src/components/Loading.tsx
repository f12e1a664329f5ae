/** Something is on its way: grey lines in its place, so that the page does not jump. */
import { useText } from '../i18n';

/** Shows `lines` grey lines. */
export function Loading({ lines = 4 }: { lines?: number }) {
  const text = useText();
  return (
    <div className="loading" role="status" aria-label={text.common.loading}>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className="loading-line" />
      ))}
    </div>
  );
}
