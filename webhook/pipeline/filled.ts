import { isObject } from "../../mesh/json.ts";
import type { JsonObject } from "../../mesh/pod.ts";

/** Fields of which an object has one at most; another one of the same group is not added to it. */
const alternatives: readonly ReadonlySet<string>[] = [
  new Set(["exec", "httpGet", "tcpSocket", "grpc", "sleep"]),
  new Set(["value", "valueFrom"]),
  new Set(["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]),
];

function isOtherAlternative(object: JsonObject, field: string): boolean {
  return alternatives.some((group) => group.has(field) && Object.keys(object).some((other) => group.has(other)));
}

/** Whether the former value says all that this one does, and perhaps more. */
function isWithin(now: unknown, former: unknown): boolean {
  if (isObject(now) && isObject(former)) {
    return Object.entries(now).every(([field, value]) => isWithin(value, former[field]));
  }
  if (!Array.isArray(now) || !Array.isArray(former)) return now === former;
  return now.length === former.length && now.every((item, index) => isWithin(item, former[index]));
}

/** The object with the fields that only the former one has, at every depth. A list is the former one, if that says it all. */
export function filled(now: JsonObject, former: JsonObject): JsonObject {
  const result: JsonObject = { ...now };
  for (const [field, value] of Object.entries(former)) {
    const present = now[field];
    if (isObject(present) && isObject(value)) result[field] = filled(present, value);
    else if (Array.isArray(present) && isWithin(present, value)) result[field] = value;
    else if (present === undefined && !isOtherAlternative(now, field)) result[field] = value;
  }
  return result;
}

/** A list with what the former one adds: fields of the same items, and items that `isForeign` lets in. */
export function filledList<Item extends JsonObject>(
  now: readonly Item[],
  former: readonly Item[] | undefined,
  key: keyof Item & string,
  isForeign: (item: Item) => boolean,
): Item[] {
  const formerByKey = new Map(former?.map((item) => [item[key], item]));
  const keys = new Set(now.map((item) => item[key]));
  const kept = now.map((item) => {
    const before = formerByKey.get(item[key]);
    return before === undefined ? item : (filled(item, before) as Item);
  });
  return [...kept, ...(former ?? []).filter((item) => !keys.has(item[key]) && isForeign(item))];
}
