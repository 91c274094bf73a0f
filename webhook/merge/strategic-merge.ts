import { isObject } from "../../mesh/json.ts";
import type { JsonObject } from "../../mesh/pod.ts";
import { listStrategy } from "./merge-keys.ts";
import { mergeKeyedList, mergeSet } from "./merge-list.ts";

function mergeLists(field: string, original: readonly unknown[], patch: readonly unknown[]): unknown {
  const strategy = listStrategy(field);
  if (strategy.kind === "keyed") return mergeKeyedList(original, patch, strategy.key, strategicMerge);
  return strategy.kind === "set" ? mergeSet(original, patch) : patch;
}

function mergeValues(field: string, before: unknown, value: unknown): unknown {
  if (isObject(value)) return strategicMerge(isObject(before) ? before : {}, value);
  if (Array.isArray(value)) return mergeLists(field, Array.isArray(before) ? before : [], value);
  return value;
}

/**
 * Merges a patch into a Pod (or a part of one) as Kubernetes' strategic merge does: objects field by field, lists by
 * their merge key, `null` deletes, `$patch: replace` and `$patch: delete` work. Neither value is changed; what the
 * patch does not touch is shared with the original.
 */
export function strategicMerge(original: JsonObject, patch: JsonObject): JsonObject {
  if (patch.$patch === "delete") return {};
  const base = patch.$patch === "replace" ? {} : original;
  const merged: JsonObject = { ...base };
  for (const field of Object.keys(patch)) {
    const value = patch[field];
    // A field of that name would become the object's prototype, not a field of it.
    if (field === "$patch" || field === "__proto__") continue;
    if (value === null) delete merged[field];
    else merged[field] = mergeValues(field, Object.hasOwn(base, field) ? base[field] : undefined, value);
  }
  return merged;
}
