import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import * as v from "valibot";
import { OutriggerError } from "../../mesh/errors.ts";
import { type Change, type Kind, kinds, type ObjectsByKind, objectKey } from "./objects.ts";

/**
 * A file that holds the cluster: a Kubernetes `List` as JSON. Whoever keeps it writes a new one beside it and renames that
 * over it. The sandbox does; tests do.
 */
const listSchema = v.object({
  items: v.array(v.looseObject({ kind: v.string(), metadata: v.looseObject({ name: v.string() }) })),
});

type Objects = Map<string, { readonly kind: Kind; readonly text: string; readonly object: ObjectsByKind[Kind] }>;

function parse(text: string, path: string): Objects {
  let given: v.InferOutput<typeof listSchema>;
  try {
    given = v.parse(listSchema, JSON.parse(text));
  } catch (cause) {
    const problem = { field: path, message: `is not a List of Kubernetes objects: ${(cause as Error).message}` };
    throw new OutriggerError("BAD_OBJECT", [problem], { cause });
  }
  const objects: Objects = new Map();
  for (const item of given.items) {
    const kind = kinds.find((known) => known === item.kind);
    if (kind === undefined) continue;
    const object = item as ObjectsByKind[Kind];
    objects.set(`${kind}/${objectKey(object)}`, { kind, text: JSON.stringify(item), object });
  }
  return objects;
}

/** What makes `after` of `before`, objects that others refer to first. */
export function changesBetween(before: Objects, after: Objects): Change[] {
  const changes: Change[] = [];
  for (const [key, { kind, object }] of before) {
    if (!after.has(key)) changes.push({ kind, object, deleted: true } as Change);
  }
  for (const [key, { kind, object, text }] of after) {
    if (before.get(key)?.text !== text) changes.push({ kind, object, deleted: false } as Change);
  }
  return changes.sort((one, other) => kinds.indexOf(one.kind) - kinds.indexOf(other.kind));
}

export interface FileSource {
  close(): void;
}

/**
 * Applies what the file holds, and what changes in it from then on. A file that cannot be read later on leaves things as
 * they are, and `onError` is told.
 * @throws OutriggerError BAD_OBJECT when the file cannot be read at first
 */
export async function followFile(
  path: string,
  apply: (change: Change) => void,
  onError: (error: unknown) => void,
): Promise<FileSource> {
  let known: Objects = new Map();
  let reading = Promise.resolve();

  async function read(): Promise<void> {
    const next = parse(await readFile(path, "utf8"), path);
    for (const change of changesBetween(known, next)) apply(change);
    known = next;
  }

  const watcher = watch(dirname(path), (_event, name) => {
    if (name === basename(path)) reading = reading.then(read).catch(onError);
  });
  try {
    await read();
  } catch (error) {
    watcher.close();
    throw error;
  }
  return { close: () => watcher.close() };
}
