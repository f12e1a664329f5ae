/** A checksum, short to read, whole to copy. */

/** Shows the first twelve digits; the whole stands in the title. */
export function Hash({ value }: { value: string }) {
  return (
    <code className="hash" title={value}>
      {value.slice(0, 12)}
    </code>
  );
}
