import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAccessLog } from "./access-log.ts";
import { chainCounters } from "./counters.ts";
import { type Hop, hopOf, orderHops } from "./hops.ts";

const outbound =
  '[2026-11-24T23:27:38.957Z] "GET /abc HTTP/1.1" 200 - via_upstream - "-" 0 98 5 4 "-" "curl/7.88.1" "id-1" "web" ' +
  '"10.96.0.100:80" PassthroughCluster 10.244.0.4:51000 10.96.0.100:80 10.244.0.4:45960 - allow_any';
const failed =
  '[2026-11-24T23:27:38.957Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{remote_connection_failure|' +
  'delayed_connect_error:_Connection_refused} - "delayed_connect_error:_Connection_refused" 0 98 0 - "-" "-" "id-2" ' +
  '"web" "[fd00::1]:80" InboundPassthroughCluster - [fd00::1]:80 [fd00::2]:45960 - allow_any';

test("an access log line is read, whatever its response flags say", () => {
  const entry = parseAccessLog(outbound);
  assert.equal(entry?.requestId, "id-1");
  assert.equal(entry?.upstreamHost, "10.96.0.100:80");
  assert.equal(entry?.responseCode, 200);
  assert.equal(parseAccessLog(failed)?.responseCode, 503);
  assert.equal(parseAccessLog("[2026-11-24 23:27:38.957][warning] something else"), undefined);
});

test("a hop's peer is who it went to, or who it came from", () => {
  const names = new Map([
    ["10.96.0.100", "web"],
    ["fd00::2", "client"],
  ]);
  const hop = (line: string) => {
    const entry = parseAccessLog(line);
    assert.ok(entry);
    const { direction, peer } = hopOf("here", entry, names);
    return `${direction} ${peer}`;
  };
  assert.equal(hop(outbound), "outbound web");
  assert.equal(hop(failed), "inbound client");
});

function hop(at: string, direction: Hop["direction"], peer: string, startMs = 0): Hop {
  return { at, direction, peer, startMs, responseCode: 200, durationMs: 1 };
}

test("hops are in the order of the way, though the clock says nothing", () => {
  const way = [
    hop("client", "outbound", "front"),
    hop("front", "inbound", "client"),
    hop("front", "outbound", "back"),
    hop("back", "inbound", "front"),
  ];
  assert.deepEqual(orderHops([...way].reverse()), way);
});

test("a way that leaves the mesh and comes back is in the order of time", () => {
  const way = [
    hop("client", "outbound", "till", 1),
    hop("front", "inbound", "till", 2),
    hop("front", "outbound", "back", 2),
    hop("back", "inbound", "front", 2),
  ];
  assert.deepEqual(orderHops([...way].reverse()), way);
});

test("what entered a chain is the sum of the jumps to it", () => {
  const save = [
    "*nat",
    ":ISTIO_INBOUND - [0:0]",
    ":ISTIO_REDIRECT - [0:0]",
    "[8:480] -A PREROUTING -p tcp -j ISTIO_INBOUND",
    "[3:180] -A ISTIO_OUTBOUND -j ISTIO_REDIRECT",
    "[2:120] -A ISTIO_OUTBOUND -p tcp -j ISTIO_REDIRECT",
    "COMMIT",
  ].join("\n");
  assert.deepEqual(chainCounters(save), {
    ISTIO_INBOUND: 8,
    ISTIO_IN_REDIRECT: undefined,
    ISTIO_OUTBOUND: undefined,
    ISTIO_REDIRECT: 5,
  });
});
