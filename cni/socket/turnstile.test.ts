import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurnstile } from "./turnstile.ts";

test("at most so many run at once, in the order in which they came", async () => {
  const turnstile = createTurnstile({ running: 2, waiting: 10 });
  const order: number[] = [];
  let running = 0;
  let most = 0;
  const work = (index: number) => async () => {
    running += 1;
    most = Math.max(most, running);
    order.push(index);
    await new Promise(setImmediate);
    running -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, (_, index) => turnstile.run(work(index))));
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7]);
});

test("who would wait too long in line is told so, and a failure frees its place", async () => {
  const turnstile = createTurnstile({ running: 1, waiting: 1 });
  const gate = Promise.withResolvers<void>();
  const first = turnstile.run(() => gate.promise);
  const second = turnstile.run(async () => "second");
  await assert.rejects(
    turnstile.run(async () => "third"),
    /the node agent has 1 requests waiting; this is tried again/,
  );
  gate.reject(new Error("first failed"));
  await assert.rejects(first, /first failed/);
  assert.equal(await second, "second");
  assert.equal(await turnstile.run(async () => "fourth"), "fourth");
});
