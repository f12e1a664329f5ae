/** Text in which `code` stands between backticks. */

/** Shows the text with its code set apart. */
export function Rich({ words }: { words: string }) {
  return words.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
