import { setTimeout as delay } from "node:timers/promises";
import { jsonLines } from "../mesh/json-lines.ts";
import { type RestClient, RestError } from "./rest-client.ts";
import { retryDelayMs } from "./retry-delay.ts";

/** An object of any kind, as raw JSON. */
export interface ReflectedObject {
  readonly metadata: { readonly name?: string; readonly namespace?: string; readonly resourceVersion?: unknown };
}

export interface ReflectOrder<T extends ReflectedObject> {
  readonly client: RestClient;
  /** Such as `/api/v1/pods`. */
  readonly path: string;
  readonly fieldSelector?: string;
  /** All objects that there are, after the first list and after changes; many at once are told once. */
  readonly changed: (objects: readonly T[]) => void;
  /** The API server cannot be asked right now. What was known stays; another try follows. */
  readonly trouble: (error: unknown) => void;
}

export interface Reflecting {
  /** The first list has come. */
  readonly ready: Promise<void>;
  readonly stop: () => void;
}

interface List<T> {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly T[];
}

interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T & { readonly code?: number; readonly message?: string };
}

/** The API server ends a watch after this long. A part of it is left to chance, so that nodes do not come at once. */
const watchSeconds = () => Math.round(300 + 300 * Math.random());

/** One object of etcd's is at most 1.5 MB, and JSON may need more. */
const longestEventBytes = 8 * 1024 * 1024;

/** A list from the API server's memory, not from etcd: what it lacks comes with the watch. */
const anyVersion = "0";

/** The place in the history that is asked for is not kept any more. */
const goneStatus = 410;

/** A watch that ends sooner, without a word, was none: whatever ended it would end the next one too. */
const shortestWatchMs = 1_000;

const keyOf = ({ metadata: { namespace = "", name = "" } }: ReflectedObject) => `${namespace}/${name}`;

/** The objects, and the place in the history up to which they are known. */
interface Copy<T> {
  objects: Map<string, T>;
  resourceVersion: string | undefined;
  /** Tries since the last news. */
  failures: number;
}

interface Context<T extends ReflectedObject> extends ReflectOrder<T> {
  readonly copy: Copy<T>;
  readonly signal: AbortSignal;
  readonly noticeSoon: () => void;
}

const selectorOf = ({ fieldSelector }: { readonly fieldSelector?: string }) =>
  fieldSelector === undefined ? {} : { fieldSelector };

function take<T extends ReflectedObject>({ type, object }: WatchEvent<T>, { copy, noticeSoon }: Context<T>): void {
  if (type === "ERROR") throw new RestError(object.code ?? 0, object.message ?? "the watch ended with an error");
  copy.resourceVersion = String(object.metadata.resourceVersion);
  copy.failures = 0;
  if (type === "BOOKMARK") return;
  if (type === "DELETED") copy.objects.delete(keyOf(object));
  else copy.objects.set(keyOf(object), object);
  noticeSoon();
}

async function list<T extends ReflectedObject>(context: Context<T>): Promise<void> {
  const { client, path, copy, noticeSoon } = context;
  const query = { ...selectorOf(context), resourceVersion: anyVersion };
  const { metadata, items } = await client.ask<List<T>>({ path, query });
  copy.objects = new Map(items.map((object) => [keyOf(object), object]));
  copy.resourceVersion = metadata.resourceVersion;
  noticeSoon();
}

async function watch<T extends ReflectedObject>(resourceVersion: string, context: Context<T>): Promise<void> {
  const { client, path, signal } = context;
  const place = { resourceVersion, allowWatchBookmarks: "true", timeoutSeconds: String(watchSeconds()) };
  const body = await client.open({ path, query: { ...selectorOf(context), watch: "true", ...place } }, signal);
  const startedAtMs = performance.now();
  for await (const event of jsonLines(body, longestEventBytes)) take(event as WatchEvent<T>, context);
  if (performance.now() - startedAtMs < shortestWatchMs) throw new Error("the watch ended as soon as it had begun");
}

/** Takes in what went wrong. A refusal may be about the place in the history, so the next try lists. */
function noteFailure<T extends ReflectedObject>(error: unknown, { copy, trouble }: Context<T>): void {
  copy.failures += 1;
  const refused = error instanceof RestError;
  if (refused) copy.resourceVersion = undefined;
  if (!(refused && error.status === goneStatus)) trouble(error);
}

async function keepUp<T extends ReflectedObject>(context: Context<T>): Promise<void> {
  const { copy, signal } = context;
  while (!signal.aborted) {
    try {
      if (copy.resourceVersion === undefined) await list(context);
      else await watch(copy.resourceVersion, context);
    } catch (error) {
      if (signal.aborted) return;
      noteFailure(error, context);
      await delay(retryDelayMs(copy.failures - 1), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/**
 * Keeps a copy of the API server's objects of one kind by list and watch, as Kubernetes' own components do: it goes on where
 * a watch ended, lists again when that place in the history is gone, and tries again later each time while nobody answers.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export function reflect<T extends ReflectedObject>(order: ReflectOrder<T>): Reflecting {
  const ending = new AbortController();
  const { signal } = ending;
  const copy: Copy<T> = { objects: new Map(), resourceVersion: undefined, failures: 0 };
  const { promise: ready, resolve: listed } = Promise.withResolvers<void>();
  let noticing = false;
  function noticeSoon(): void {
    if (noticing) return;
    noticing = true;
    setImmediate(() => {
      noticing = false;
      if (signal.aborted) return;
      order.changed([...copy.objects.values()]);
      listed();
    });
  }
  void keepUp({ ...order, copy, signal, noticeSoon });
  return { ready, stop: () => ending.abort() };
}
