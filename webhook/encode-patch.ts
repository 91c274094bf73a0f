import { randomUUID } from "node:crypto";
import type { PatchOperation } from "./patch.ts";

/**
 * Strings this long are printed once and then kept: the sidecar's bootstrap comes again with every Pod, and escaping
 * its thousand quotes takes longer than printing the rest of the patch.
 */
const longString = 2_000;

/** How many long strings are kept. The Pods of one workload share theirs. */
const keptStrings = 64;

/** JSON of long strings in UTF-8. */
const kept = new Map<string, Buffer>();

function printedOnce(text: string): Buffer {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const json = Buffer.from(JSON.stringify(text));
  const [oldest] = kept.keys();
  if (oldest !== undefined && kept.size >= keptStrings) kept.delete(oldest);
  kept.set(text, json);
  return json;
}

/** Stands for a long string while the rest is printed. Nobody outside of this process can write it into a Pod. */
const marker = `outrigger-long-string-${randomUUID()}`;
const printedMarker = JSON.stringify(marker);

function withoutLongStringsInList(list: readonly unknown[], long: Buffer[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index += 1) {
    const replaced = withoutLongStrings(list[index], long);
    if (replaced === list[index]) continue;
    copy ??= [...list];
    copy[index] = replaced;
  }
  return copy ?? list;
}

function withoutLongStringsInObject(object: Readonly<Record<string, unknown>>, long: Buffer[]) {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    const replaced = withoutLongStrings(object[key], long);
    if (replaced === object[key]) continue;
    copy ??= { ...object };
    copy[key] = replaced;
  }
  return copy ?? object;
}

/** The same value with markers for its long strings, which go to `long` in order. Only what leads to one is copied. */
function withoutLongStrings(value: unknown, long: Buffer[]): unknown {
  if (typeof value === "string") {
    if (value.length < longString) return value;
    long.push(printedOnce(value));
    return marker;
  }
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value)
    ? withoutLongStringsInList(value, long)
    : withoutLongStringsInObject(value as Record<string, unknown>, long);
}

/** Where patches are put together. A patch that does not fit gets a buffer of its own. */
const scratch = Buffer.allocUnsafeSlow(256 * 1024);

/** A character takes three bytes of UTF-8 at most. */
function room(pieces: readonly string[], long: readonly Buffer[]): number {
  const text = pieces.reduce((sum, piece) => sum + piece.length * 3, 0);
  return long.reduce((sum, { length }) => sum + length, text);
}

/** Writes the pieces with a long string between each two, and returns what was written. It holds until the next call. */
function joined(pieces: readonly string[], long: readonly Buffer[]): Buffer {
  const needed = room(pieces, long);
  const target = needed <= scratch.length ? scratch : Buffer.allocUnsafeSlow(needed);
  let end = 0;
  pieces.forEach((piece, index) => {
    const before = long[index - 1];
    if (before !== undefined) end += before.copy(target, end);
    end += target.write(piece, end);
  });
  return target.subarray(0, end);
}

/** Prints a patch as JSON, in base64, as an answer carries it. */
export function encodePatch(patch: readonly PatchOperation[]): string {
  const long: Buffer[] = [];
  const text = JSON.stringify(withoutLongStrings(patch, long));
  return joined(long.length === 0 ? [text] : text.split(printedMarker), long).toString("base64");
}
