import { isObject } from "../../mesh/json.ts";
import type { JsonObject } from "../../mesh/pod.ts";

/** An item of a keyed list, with its key. */
interface Keyed {
  readonly key: unknown;
  readonly item: unknown;
}

/** A patch's list, sorted by what its items ask for. */
interface ListPatch {
  readonly items: readonly Keyed[];
  readonly deleted: ReadonlySet<unknown>;
  readonly replace: boolean;
}

function keyed(list: readonly unknown[], key: string): Keyed[] {
  return list.map((item) => ({ key: isObject(item) ? item[key] : undefined, item }));
}

/** Takes the directives `$patch: delete` and `$patch: replace` out of a patch's list. */
function readPatch(patch: readonly unknown[], key: string): ListPatch {
  const items: Keyed[] = [];
  const deleted = new Set<unknown>();
  let replace = false;
  for (const entry of keyed(patch, key)) {
    const directive = isObject(entry.item) ? entry.item.$patch : undefined;
    if (directive === "delete") deleted.add(entry.key);
    else if (directive === "replace") replace = true;
    else items.push(entry);
  }
  return { items, deleted, replace };
}

/**
 * Puts two lists into one order: the patch's items first, unless the heads of both stand in the original in the other
 * order. `position` tells where a key stands in the original.
 */
function interleave(
  kept: readonly Keyed[],
  patched: readonly Keyed[],
  position: ReadonlyMap<unknown, number>,
): unknown[] {
  const merged: unknown[] = [];
  let next = 0;
  for (const { key, item } of patched) {
    const at = position.get(key);
    while (at !== undefined && next < kept.length) {
      const head = kept[next] as Keyed;
      if ((position.get(head.key) ?? -1) >= at) break;
      merged.push(head.item);
      next += 1;
    }
    merged.push(item);
  }
  return [...merged, ...kept.slice(next).map(({ item }) => item)];
}

type MergeItem = (original: JsonObject, patch: JsonObject) => unknown;

/** Merges two lists whose items are told apart by a key. */
export function mergeKeyedList(
  original: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  mergeItem: MergeItem,
): unknown[] {
  const { items, deleted, replace } = readPatch(patch, key);
  if (replace) return items.map(({ item }) => item);
  const remaining = keyed(original, key).filter((entry) => !deleted.has(entry.key));
  const byKey = new Map(remaining.map((entry) => [entry.key, entry.item]));
  const position = new Map(remaining.map((entry, index) => [entry.key, index]));
  const patchedKeys = new Set(items.map((entry) => entry.key));
  const patched = items.map((entry): Keyed => {
    const before = byKey.get(entry.key);
    if (!isObject(entry.item)) return entry;
    return { key: entry.key, item: mergeItem(isObject(before) ? before : {}, entry.item) };
  });
  return interleave(
    remaining.filter((entry) => !patchedKeys.has(entry.key)),
    patched,
    position,
  );
}

/** Merges two lists of plain values as sets, the original's first. */
export function mergeSet(original: readonly unknown[], patch: readonly unknown[]): unknown[] {
  return [...new Set([...original, ...patch])];
}
