import { quoted } from "./errors.ts";

/** What a text is read as: its value, or what is wrong with it and what to write instead. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

export function accept<T>(value: T): Reading<T> {
  return { ok: true, value };
}

export function refuse(message: string, remedy: string): Reading<never> {
  return { ok: false, message, remedy };
}

/** The items of a comma list, without the spaces around them; empty items, as a trailing comma makes them, are left out. */
export function listItems(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.replace(/^ +| +$/g, ""))
    .filter((item) => item !== "");
}

/** What the items of a list are called, and a list to copy. */
export interface ListDescription {
  readonly noun: string;
  readonly example: string;
}

/** More than anybody writes: a cloud's list of all its ranges has some thousands. */
const mostItems = 10_000;
/** How many wrong items a message names, and how much of each. */
const mostNamed = 10;
const longestNamed = 40;

/** `"x", "y" are none` */
function none(bad: readonly string[]): string {
  const named = bad.slice(0, mostNamed).map((item) => quoted(item, longestNamed));
  const more = bad.length > mostNamed ? [`${bad.length - mostNamed} more`] : [];
  return `${[...named, ...more].join(", ")} ${bad.length === 1 ? "is none" : "are none"}`;
}

/**
 * Reads a comma list of which each item must be readable. A list that is not is refused with the items that are wrong.
 * The empty text is the empty list.
 */
export function readList<T>(
  text: string,
  readItem: (item: string) => T | undefined,
  { noun, example }: ListDescription,
): Reading<T[]> {
  const items = listItems(text).map((item) => ({ item, value: readItem(item) }));
  if (items.length > mostItems) return refuse(`has ${items.length} ${noun}`, `use at most ${mostItems}`);
  const bad = items.filter(({ value }) => value === undefined).map(({ item }) => item);
  if (bad.length === 0) return accept(items.flatMap(({ value }) => (value === undefined ? [] : [value])));
  return refuse(`is not a list of ${noun}: ${none(bad)}`, `use a comma list such as "${example}"`);
}

/** `*`, which stands for all, or else what `readRest` makes of the text. A `*` among other items is refused. */
export function readAllOr<T>(text: string, readRest: (text: string) => Reading<T>): Reading<"all" | T> {
  if (text === "*") return accept("all");
  if (!listItems(text).includes("*")) return readRest(text);
  return refuse('has "*" beside other items', 'use "*" alone, or the list without it');
}
