import type { PatchOperation } from "./patch.ts";

/**
 * Strings this long are printed once and then kept: the sidecar's bootstrap comes again with every Pod, and escaping
 * its thousand quotes takes longer than printing the rest of the patch.
 */
const longString = 2_000;

/** How many long strings are kept. The Pods of one workload share theirs. */
const keptStrings = 64;

/** JSON text that `JSON.stringify` takes over as it is. */
type RawJson = object;
declare global {
  interface JSON {
    rawJSON(text: string): RawJson;
  }
}

const kept = new Map<string, RawJson>();

function printedOnce(text: string): RawJson {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const raw = JSON.rawJSON(JSON.stringify(text));
  const [oldest] = kept.keys();
  if (oldest !== undefined && kept.size >= keptStrings) kept.delete(oldest);
  kept.set(text, raw);
  return raw;
}

function replaceInList(list: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index += 1) {
    const replaced = replaceLongStrings(list[index]);
    if (replaced === list[index]) continue;
    copy ??= [...list];
    copy[index] = replaced;
  }
  return copy ?? list;
}

function replaceInObject(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    const replaced = replaceLongStrings(object[key]);
    if (replaced === object[key]) continue;
    copy ??= { ...object };
    copy[key] = replaced;
  }
  return copy ?? object;
}

/** The same value with its long strings as JSON text. Only what leads to one is copied. */
function replaceLongStrings(value: unknown): unknown {
  if (typeof value === "string") return value.length < longString ? value : printedOnce(value);
  if (typeof value !== "object" || value === null) return value;
  return Array.isArray(value) ? replaceInList(value) : replaceInObject(value as Record<string, unknown>);
}

/** Prints a patch as JSON. */
export function patchText(patch: readonly PatchOperation[]): string {
  return JSON.stringify(replaceLongStrings(patch));
}
