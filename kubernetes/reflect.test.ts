import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { type TestContext, test } from "node:test";
import { type ReflectedObject, reflect } from "./reflect.ts";
import { RestError, type RestRequest } from "./rest-client.ts";

const item = (name: string, resourceVersion: string): ReflectedObject => ({ metadata: { name, resourceVersion } });
const list = (resourceVersion: string, ...names: string[]) => ({
  metadata: { resourceVersion },
  items: names.map((name) => item(name, "1")),
});

/** What the API server does about one request: the answer to a list, or the lines of a watch, which stays open or ends. */
type Step = { list: unknown } | { watch: unknown[]; ends?: boolean } | { fails: Error };

/** Follows a script of an API server; tells the queries it got and the names that were told. */
function follow(t: TestContext, ...steps: Step[]) {
  const queries: RestRequest["query"][] = [];
  const told: string[][] = [];
  const troubles: unknown[] = [];
  const news = new PassThrough({ objectMode: true });
  const next = (request: RestRequest): Step => {
    queries.push(request.query);
    const step = steps.shift();
    news.write("asked");
    if (step === undefined) return { watch: [] };
    if ("fails" in step) throw step.fails;
    return step;
  };
  const client = {
    async ask<T>(request: RestRequest): Promise<T> {
      return (next(request) as { list: T }).list;
    },
    async open(request: RestRequest, signal: AbortSignal): Promise<IncomingMessage> {
      const { watch, ends = false } = next(request) as { watch: unknown[]; ends?: boolean };
      const body = new PassThrough();
      for (const event of watch) body.write(`${JSON.stringify(event)}\n`);
      if (ends) body.end();
      signal.addEventListener("abort", () => body.destroy(new Error("aborted")));
      return body as unknown as IncomingMessage;
    },
    close: () => undefined,
  };
  const { ready, stop } = reflect({
    client,
    path: "/api/v1/pods",
    fieldSelector: "spec.nodeName=one",
    changed(objects) {
      told.push(objects.map(({ metadata }) => metadata.name ?? "").sort());
      news.write("told");
    },
    trouble: (error) => troubles.push(error),
  });
  t.after(stop);
  const until = async (holds: () => boolean) => {
    while (!holds()) await once(news, "data");
  };
  news.resume();
  return { queries, told, troubles, ready, until };
}

test("it lists, then takes in what a watch tells, from the list's place in the history on", async (t) => {
  const { queries, told, ready, until } = follow(
    t,
    { list: list("7", "a", "b") },
    {
      watch: [
        { type: "ADDED", object: item("c", "8") },
        { type: "DELETED", object: item("a", "9") },
      ],
    },
  );
  await ready;
  await until(() => told.at(-1)?.join() === "b,c");
  assert.deepEqual(queries[0], { fieldSelector: "spec.nodeName=one", resourceVersion: "0" });
  assert.equal(queries[1]?.watch, "true");
  assert.equal(queries[1]?.resourceVersion, "7");
  assert.equal(queries[1]?.fieldSelector, "spec.nodeName=one");
});

test("a watch that ends is gone on with where it ended, by a bookmark's place too; an empty list is news", async (t) => {
  const { queries, told, until } = follow(
    t,
    { list: list("7") },
    { watch: [{ type: "BOOKMARK", object: { metadata: { resourceVersion: "20" } } }], ends: true },
  );
  await until(() => queries.length === 3);
  assert.equal(queries[2]?.resourceVersion, "20");
  assert.deepEqual(told, [[]]);
});

test("a place in the history that is gone leads to a new list, and is no trouble", async (t) => {
  const { told, troubles, until } = follow(
    t,
    { list: list("7", "a") },
    { watch: [{ type: "ERROR", object: { code: 410, message: "too old" } }] },
    { list: list("30", "b") },
  );
  await until(() => told.at(-1)?.join() === "b");
  assert.deepEqual(troubles, []);
});

test("a broken connection keeps what is known and its place; a refusal lists again; both are told", async (t) => {
  const { queries, told, troubles, until } = follow(
    t,
    { list: list("7", "a") },
    { fails: new Error("ECONNRESET") },
    { fails: new RestError(403, "forbidden") },
    { list: list("9", "a", "b") },
  );
  await until(() => told.at(-1)?.join() === "a,b");
  assert.deepEqual(
    queries.slice(0, 4).map((query) => query?.resourceVersion),
    ["0", "7", "7", "0"],
  );
  assert.deepEqual(
    troubles.map((error) => (error as Error).message),
    ["ECONNRESET", "the API server answered 403: forbidden"],
  );
});
