import assert from "node:assert/strict";
import { test } from "node:test";
import { injectionSettings } from "./settings.ts";
import { createState, notReadyReasons, type ServerState } from "./state.ts";

const now = new Date("2026-01-02T00:00:00Z");
const certificate = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2026-01-03T00:00:00Z") };
const ready: ServerState = { ...createState(), settings: injectionSettings(), certificate, listening: true };

test("ready takes certificate, configuration and an open port", () => {
  assert.deepEqual(notReadyReasons(ready, now), []);
  assert.deepEqual(notReadyReasons(createState(), now), [
    "no certificate is loaded",
    "no configuration is loaded",
    "the port is not open",
  ]);
});

test("a draining server is not ready", () => {
  assert.deepEqual(notReadyReasons({ ...ready, draining: true }, now), ["the server is shutting down"]);
});

test("the certificate's time counts", () => {
  assert.match(notReadyReasons(ready, certificate.notAfter).join(), /expired at 2026-01-03/);
  assert.match(notReadyReasons(ready, new Date("2025-12-31")).join(), /not valid before 2026-01-01/);
});

test("one registration that distrusts the certificate is borne, all of them are not", () => {
  const trust = (registrations: number, ...distrusting: string[]) => ({
    ...ready,
    trust: { registrations, distrusting },
  });
  assert.deepEqual(notReadyReasons(trust(2), now), []);
  assert.deepEqual(notReadyReasons(trust(2, "a"), now), []);
  assert.match(notReadyReasons(trust(2, "a", "b"), now).join(), /not in the caBundle of a, b/);
});
