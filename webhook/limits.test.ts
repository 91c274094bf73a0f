import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits, type Load, refusalFor } from "./limits.ts";

const idle: Load = { connections: 1, bodyBytesInFlight: 0, eventLoopDelayMs: 0 };
const { connections, bodyBytes, bodyBytesInFlight, smallBodyBytes, eventLoopDelayMs } = defaultLimits;

const cases: Readonly<Record<string, readonly [load: Load, body: number, code: number | undefined]>> = {
  "an idle server takes anything": [idle, bodyBytes, undefined],
  "the last connection is served": [{ ...idle, connections }, 0, undefined],
  "one connection too many is not": [{ ...idle, connections: connections + 1 }, 0, 429],
  "bodies fill up what is left": [{ ...idle, bodyBytesInFlight: bodyBytesInFlight - bodyBytes }, bodyBytes, undefined],
  "and no more": [{ ...idle, bodyBytesInFlight: bodyBytesInFlight - bodyBytes + 1 }, bodyBytes, 429],
  "an ordinary Pod is taken even then": [{ ...idle, bodyBytesInFlight }, smallBodyBytes, undefined],
  "a busy event loop is waited for": [{ ...idle, eventLoopDelayMs }, 0, undefined],
  "until the answer would come too late": [{ ...idle, eventLoopDelayMs: eventLoopDelayMs + 1 }, 0, 503],
};

for (const [name, [load, body, code]] of Object.entries(cases)) {
  test(name, () => assert.equal(refusalFor(load, body, defaultLimits)?.code, code));
}
