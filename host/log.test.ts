import assert from "node:assert/strict";
import { test } from "node:test";
import pino from "pino";
import { announce } from "./log.ts";

test("what is announced is logged at every level, and nothing else with it", () => {
  const lines: string[] = [];
  const log = pino({ level: "error", base: null }, { write: (line: string) => lines.push(line) });
  log.info("hidden");
  announce(log, { port: 15017 }, "listening");
  log.info("hidden");
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ msg, port }) => [msg, port]),
    [["listening", 15017]],
  );
});
