/** Sentences of the engine in the reader's language: known ones by their pattern, others as they came. Pure. */

interface Pattern {
  matches: RegExp;
  says: string;
  fixed: number;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The second of two parts without anything between them: a clause that may be absent, or a number. */
const SECOND = '((?:[;,:] .*?| and .*?| \\(.*?|\\d\\d)?)';

/** The patterns of a list of sentences: those with the most fixed text first, so that the closest one is taken. */
function patterns(sentences: Record<string, string>): Pattern[] {
  const made = Object.entries(sentences).map(([english, says]) => {
    const pieces = english.split('{}');
    const source = pieces.map(escaped).reduce((whole, piece, index) => `${whole}${pieces[index - 1] === '' && index > 1 ? SECOND : '(.*?)'}${piece}`);
    return { matches: new RegExp(`^${source}$`, 's'), says, fixed: pieces.join('').length };
  });
  return made.sort((left, right) => right.fixed - left.fixed);
}

const DEEPEST = 4;

/** Makes a translator; parts that are sentences themselves are translated too. */
export function translator(sentences: Record<string, string>, words: Record<string, string>): (text: string) => string {
  const all = patterns(sentences);
  const said = (text: string, depth: number): string => {
    const word = words[text];
    if (word !== undefined) return word;
    if (depth > DEEPEST) return text;
    for (const { matches, says } of all) {
      const parts = matches.exec(text)?.slice(1);
      if (parts) return says.replace(/\{(\d)\}/g, (_, index: string) => said(parts[Number(index)] ?? '', depth + 1));
    }
    return text;
  };
  return (text) => said(text, 0);
}
