/** The first rows of a CSV file, read in the browser to offer its columns. The node reads the file itself. */

/** Header and some rows. */
export interface Preview {
  header: string[];
  rows: string[][];
}

const PREVIEW_BYTES = 16_384;
const PREVIEW_ROWS = 5;

/** Splits a line of CSV; quotes may hold separators. */
export function splitLine(line: string, separator: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let index = 0; index < line.length; index += 1) {
    const char = line[index];
    if (char === '"' && quoted && line[index + 1] === '"') {
      cell += '"';
      index += 1;
    } else if (char === '"') quoted = !quoted;
    else if (char === separator && !quoted) {
      cells.push(cell);
      cell = '';
    } else cell += char;
  }
  return [...cells, cell].map((each) => each.trim());
}

/** Reads header and first rows. */
export function previewOf(text: string): Preview {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/).filter((line) => line.trim() !== '');
  const first = lines[0] ?? '';
  const separator = [',', ';', '\t'].reduce((best, each) => (first.split(each).length > first.split(best).length ? each : best), ',');
  return { header: splitLine(first, separator), rows: lines.slice(1, 1 + PREVIEW_ROWS).map((line) => splitLine(line, separator)) };
}

/** Reads the beginning of a file. */
export async function previewFile(file: File): Promise<Preview> {
  const text = await file.slice(0, PREVIEW_BYTES).text();
  const whole = file.size > PREVIEW_BYTES ? text.slice(0, text.lastIndexOf('\n')) : text;
  return previewOf(whole);
}
