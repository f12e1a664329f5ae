/** Reserved against capacity. */

interface MeterProps {
  label: string;
  used: number;
  all: number;
  words: string;
}

/** Shows a labelled bar with its words. */
export function Meter({ label, used, all, words }: MeterProps) {
  return (
    <div className="meter">
      <div className="meter-line">
        <span>{label}</span>
        <span className="hint num">{words}</span>
      </div>
      <progress max={Math.max(all, 1)} value={Math.min(used, Math.max(all, 1))} aria-label={`${label}: ${words}`} />
    </div>
  );
}
