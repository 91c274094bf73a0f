import fastJsonPatch from "fast-json-patch";
import { isObject } from "../mesh/json.ts";
import type { JsonObject } from "../mesh/pod.ts";

/** One operation of a JSON patch. Source: RFC 6902. */
export type PatchOperation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move"; readonly from: string; readonly path: string };

/** The fields that tell the items of a list apart, tried in this order. */
const itemKeys = ["name", "mountPath", "containerPort"] as const;

/** The key of each item by one field, or undefined if an item lacks it or two share it. */
function keysBy(field: string, list: readonly unknown[]): unknown[] | undefined {
  const keys: unknown[] = [];
  for (const item of list) {
    const key = isObject(item) ? item[field] : undefined;
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return new Set(keys).size === keys.length ? keys : undefined;
}

/** The keys of two lists whose items can be told apart by one field. */
function keyedBoth(before: readonly unknown[], after: readonly unknown[]): [unknown[], unknown[]] | undefined {
  for (const field of itemKeys) {
    const beforeKeys = keysBy(field, before);
    const afterKeys = beforeKeys && keysBy(field, after);
    if (beforeKeys !== undefined && afterKeys !== undefined) return [beforeKeys, afterKeys];
  }
  return undefined;
}

/**
 * Adds the operations that bring the items of a keyed list into their new order: first what goes, then, position by
 * position, what moves or comes. An item before others does not make the others change, as it would by index.
 */
function rearrange(
  patch: PatchOperation[],
  beforeKeys: readonly unknown[],
  after: readonly unknown[],
  afterKeys: unknown[],
  path: string,
): void {
  const wanted = new Set(afterKeys);
  const current = [...beforeKeys];
  for (let index = current.length - 1; index >= 0; index -= 1) {
    if (wanted.has(current[index])) continue;
    patch.push({ op: "remove", path: `${path}/${index}` });
    current.splice(index, 1);
  }
  const move = (from: number, to: number) => {
    patch.push({ op: "move", from: `${path}/${from}`, path: `${path}/${to}` });
    current.splice(to, 0, ...current.splice(from, 1));
  };
  afterKeys.forEach((key, index) => {
    if (current[index] === key) return;
    const from = current.indexOf(key, index);
    if (from < 0) {
      patch.push({ op: "add", path: `${path}/${index}`, value: after[index] });
      current.splice(index, 0, key);
    } else if (from === index + 1) {
      move(index, Math.min(afterKeys.indexOf(current[index]), current.length - 1));
    } else {
      move(from, index);
    }
  });
}

function diffLists(patch: PatchOperation[], before: readonly unknown[], after: readonly unknown[], path: string): void {
  const keyed = keyedBoth(before, after);
  if (keyed === undefined) {
    for (const operation of fastJsonPatch.compare(before, after) as PatchOperation[])
      patch.push({ ...operation, path: `${path}${operation.path}` });
    return;
  }
  const [beforeKeys, afterKeys] = keyed;
  rearrange(patch, beforeKeys, after, afterKeys, path);
  const itemBefore = new Map(beforeKeys.map((key, index) => [key, before[index]]));
  afterKeys.forEach((key, index) => {
    if (itemBefore.has(key)) diff(patch, itemBefore.get(key), after[index], `${path}/${index}`);
  });
}

function diffObjects(patch: PatchOperation[], before: JsonObject, after: JsonObject, path: string): void {
  for (const field of Object.keys(before)) {
    if (!Object.hasOwn(after, field)) patch.push({ op: "remove", path: childPath(path, field) });
  }
  for (const field of Object.keys(after)) {
    const value = after[field];
    if (!Object.hasOwn(before, field)) patch.push({ op: "add", path: childPath(path, field), value });
    else if (before[field] !== value) diff(patch, before[field], value, childPath(path, field));
  }
}

function childPath(path: string, field: string): string {
  return `${path}/${fastJsonPatch.escapePathComponent(field)}`;
}

/** Adds to `patch` what turns one value, which stands at `path`, into another. */
function diff(patch: PatchOperation[], before: unknown, after: unknown, path: string): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) diffLists(patch, before, after, path);
  else if (isObject(before) && isObject(after)) diffObjects(patch, before, after, path);
  else patch.push({ op: "replace", path, value: after });
}

/**
 * The patch that turns one JSON object into another. Parts that are the same value in memory cost nothing, so the
 * pipeline shares what it leaves alone.
 */
export function jsonPatch(before: JsonObject, after: JsonObject): PatchOperation[] {
  const patch: PatchOperation[] = [];
  diff(patch, before, after, "");
  return patch;
}
