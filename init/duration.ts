import { accept, type Reading, refuse } from "../mesh/reading.ts";

const milliseconds: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const longestMs = 3_600_000;

/** Reads a duration as Go writes it (`5s`, `1m30s`, `500ms`) into milliseconds; at least 1 ms, at most an hour. */
export function readDuration(text: string): Reading<number> {
  const remedy = "use one such as 5s, 500ms or 1m30s, at most 1h";
  if (!/^(\d{1,7}(\.\d{1,3})?(h|ms|m|s))+$/.test(text)) return refuse("is not a duration", remedy);
  const parts = [...text.matchAll(/([\d.]+)(h|ms|m|s)/g)];
  const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (milliseconds[unit ?? ""] ?? 0), 0);
  return total >= 1 && total <= longestMs ? accept(total) : refuse("is too short or too long", remedy);
}
