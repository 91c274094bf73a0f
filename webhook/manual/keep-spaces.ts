import { diffArrays } from "diff";

/** A word, and the space before it. */
interface Word {
  readonly space: string;
  readonly text: string;
}

/** Brackets and commas stand alone: the space around them is the author's taste. */
function wordsOf(line: string): Word[] {
  return [...line.matchAll(/(\s*)([[\]{},]|[^\s[\]{},]+)/g)].map(([, space = "", text = ""]) => ({ space, text }));
}

/** A longer line is not compared word by word. */
const longestLine = 1000;

/** A changed line with the space of the original line before the words that both have. */
export function withSpacesOf(original: string, changed: string): string {
  if (original.length > longestLine || changed.length > longestLine) return changed;
  const [before, after] = [wordsOf(original), wordsOf(changed)];
  const texts = (words: readonly Word[]) => words.map(({ text }) => text);
  let [passed, taken, follows] = [0, 0, true];
  const words = diffArrays(texts(before), texts(after)).flatMap(({ count, added, removed }) => {
    const [own, printed] = [before.slice(passed, passed + count), after.slice(taken, taken + count)];
    if (!added) passed += count;
    if (!removed) taken += count;
    const adjacent = follows;
    follows = !added && !removed;
    if (removed) return [];
    if (added) return printed;
    return own.map((mine, index) =>
      adjacent || index > 0 || /^[\]},#]/.test(mine.text) ? mine : (printed[index] ?? mine),
    );
  });
  return words.map(({ space, text }) => space + text).join("");
}
