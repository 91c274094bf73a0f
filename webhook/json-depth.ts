/** As deep as the API server itself reads JSON. Source: k8s.io/apimachinery, third_party/forked/golang/json. */
const deepest = 10_000;

const quote = 0x22;
const backslash = 0x5c;

/** The position after the string that starts at `start`. */
function afterString(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && text.charCodeAt(end) !== quote) end += text.charCodeAt(end) === backslash ? 2 : 1;
  return end + 1;
}

/**
 * Whether a JSON text nests deeper than the API server ever sends. Parsing millions of brackets takes a second;
 * looking for them takes milliseconds, and a text that is too short for it is not looked at.
 */
export function nestsTooDeeply(text: string): boolean {
  if (text.length <= deepest) return false;
  let depth = 0;
  for (let index = 0; index < text.length; ) {
    const code = text.charCodeAt(index);
    if (code === quote) {
      index = afterString(text, index);
      continue;
    }
    // `[` and `{` differ by 0x20 alone, and so do `]` and `}`.
    const bracket = code | 0x20;
    if (bracket === 0x7b) depth += 1;
    else if (bracket === 0x7d) depth -= 1;
    if (depth > deepest) return true;
    index += 1;
  }
  return false;
}
