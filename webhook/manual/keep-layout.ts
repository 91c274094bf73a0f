import { diffArrays } from "diff";
import { withSpacesOf } from "./keep-spaces.ts";

/** A line that is not blank, with the blank lines above it. */
interface Line {
  readonly blank: readonly string[];
  readonly text: string;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let blank: string[] = [];
  const all = text.split("\n");
  for (const [index, line] of all.entries()) {
    if (line.trim() === "" && index < all.length - 1) blank.push(line);
    else {
      lines.push({ blank, text: line });
      blank = [];
    }
  }
  return lines;
}

/** What of a line is not layout. */
function content({ text }: Line): string {
  return text.replace(/\s+/g, "");
}

/** Lines of the original, and those that stand in their place. */
interface Gap {
  readonly own: Line[];
  readonly printed: Line[];
}

/** How many of the first lines say together what the line says; 0 if none do. */
function sayingTheSame(printed: readonly Line[], line: Line): number {
  const wanted = content(line);
  let said = "";
  for (const [index, one] of printed.entries()) {
    said += content(one);
    if (said === wanted) return index + 1;
    if (!wanted.startsWith(said)) return 0;
  }
  return 0;
}

/** The field that a line is about. */
function fieldOf({ text }: Line): string | undefined {
  return /^[\s-]*([^:]+):/.exec(text)?.[1];
}

/** Where lines begin that say together what the line says: lines that are new stand before. */
function foundIn(printed: readonly Line[], line: Line): { start: number; count: number } | undefined {
  for (let start = 0; start < printed.length; start += 1) {
    const count = sayingTheSame(printed.slice(start), line);
    if (count > 0) return { start, count };
  }
  return undefined;
}

/** The lines for a gap: a comment that was moved to or from a line of its own moves back. */
function filled({ own, printed }: Gap): Line[] {
  const [mine, ...more] = own;
  const [line, ...rest] = printed;
  if (mine === undefined || line === undefined) return printed;
  const found = foundIn(printed, mine);
  if (found !== undefined) {
    const { start, count } = found;
    return [...printed.slice(0, start), mine, ...filled({ own: more, printed: printed.slice(start + count) })];
  }
  const joined = sayingTheSame(own, line);
  if (joined > 0) return [...own.slice(0, joined), ...filled({ own: own.slice(joined), printed: rest })];
  if (fieldOf(mine) !== fieldOf(line)) return filled({ own: more, printed });
  const text = withSpacesOf(mine.text, line.text);
  return [{ blank: mine.blank, text }, ...filled({ own: more, printed: rest })];
}

/** The lines of the changed text, those of the original where both say the same. */
function merged(before: readonly Line[], after: readonly Line[]): Line[] {
  const lines: Line[] = [];
  let [passed, taken] = [0, 0];
  let gap: Gap = { own: [], printed: [] };
  for (const { count, added, removed } of diffArrays(before.map(content), after.map(content))) {
    const [own, printed] = [before.slice(passed, passed + count), after.slice(taken, taken + count)];
    if (!added) passed += count;
    if (!removed) taken += count;
    if (added) gap.printed.push(...printed);
    else if (removed) gap.own.push(...own);
    else {
      lines.push(...filled(gap), ...own);
      gap = { own: [], printed: [] };
    }
  }
  return [...lines, ...filled(gap)];
}

/**
 * The changed text with the original's layout wherever both say the same: indentation, the space before comments and
 * within brackets, and blank lines. Whether that still means the same is for the caller to ask.
 */
export function withLayoutOf(original: string, changed: string): string {
  return merged(linesOf(original), linesOf(changed))
    .flatMap(({ blank, text }) => [...blank, text])
    .join("\n");
}
