const texts: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((text) => [text, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((text) => [text, false] as const),
]);

/** The truth value of an annotation, in any spelling that Go reads; undefined if it is not set or none. */
export function booleanOf(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : texts.get(text);
}
