import { styleText } from "node:util";
import { createTwoFilesPatch } from "diff";

type Style = Parameters<typeof styleText>[0];

const styles: readonly (readonly [string, Style])[] = [
  ["+++ ", "bold"],
  ["--- ", "bold"],
  ["@@", "cyan"],
  ["+", "green"],
  ["-", "red"],
];

function coloured(line: string): string {
  const style = styles.find(([prefix]) => line.startsWith(prefix))?.[1];
  // Colours only where a person looks: styleText asks the stream, NO_COLOR and FORCE_COLOR.
  return style === undefined ? line : styleText(style, line, { stream: process.stdout });
}

/** A unified diff of two texts, coloured if standard output is a terminal; empty if they are the same. */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return "";
  const patch = createTwoFilesPatch(name, `${name} (injected)`, before, after, undefined, undefined, { context: 3 });
  const [first = "", ...lines] = patch.split("\n");
  return (first.startsWith("====") ? lines : [first, ...lines]).map(coloured).join("\n");
}
