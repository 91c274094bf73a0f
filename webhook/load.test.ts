import assert from "node:assert/strict";
import { test } from "node:test";
import { lastingDelay } from "./load.ts";

test("one long turn of the event loop is no load; one that lasts is, until it ends", () => {
  const lasting = lastingDelay();
  const samples = [3000, 0, 2500, 2600, 2400, 10, 0];
  assert.deepEqual(samples.map(lasting), [0, 0, 0, 2500, 2400, 10, 0]);
});
