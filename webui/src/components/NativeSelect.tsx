/** The browser's own select, in our dress: right on phones, right for keyboards and screen readers, no weight. */

interface NativeSelectProps {
  id: string;
  value: string;
  options: { value: string; label: string }[];
  label?: string;
  disabled?: boolean;
  invalid?: boolean;
  describedBy?: string;
  onChange: (value: string) => void;
}

/** Shows a select; `label` where no visible label points at it. */
export function NativeSelect({ id, value, options, label, disabled, invalid, describedBy, onChange }: NativeSelectProps) {
  return (
    <select
      id={id}
      className="select"
      value={value}
      disabled={disabled}
      aria-label={label}
      aria-invalid={invalid}
      aria-describedby={describedBy || undefined}
      onChange={(event) => onChange(event.target.value)}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
}
