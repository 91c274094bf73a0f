import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMarkRoutes, type Routes, routeAdditions, routeDeletions } from "./routes.ts";

/** What `ip -batch -` prints for `rule list` and `route list table all`. */
const printed = `0:	from all lookup local
32763:	from all fwmark 0x539 lookup 133
32764:	from all fwmark 0x539/0xff lookup 133
32765:	from all fwmark 0x7 lookup 133
32766:	from all lookup main
32767:	from all fwmark 0x539 lookup 200
local default dev lo table 133 scope host
default via 10.0.0.1 dev eth0 table 200
local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1
`;

test("a rule for a mark of the mesh's is its own where its table only delivers to this host", () => {
  const marked = parseMarkRoutes(printed, "IPv4", new Set([1337]));
  assert.deepEqual(marked, [{ family: "IPv4", mark: 1337, table: 133 }]);
  assert.deepEqual(parseMarkRoutes(printed, "IPv4", new Set([1])), []);
});

const route = (family: "IPv4" | "IPv6", table: number) => ({ family, mark: 1337, table });
const none: Routes = { markRoutes: [], passthroughAddress: false };
const both: Routes = { markRoutes: [route("IPv4", 133), route("IPv6", 133)], passthroughAddress: true };

test("routes are added and deleted by family, and the address with IPv6", () => {
  assert.deepEqual(routeAdditions(none, both), [
    { family: "IPv4", lines: ["rule add fwmark 1337 lookup 133", "route add local default dev lo table 133"] },
    {
      family: "IPv6",
      lines: ["addr add ::6/128 dev lo", "rule add fwmark 1337 lookup 133", "route add local default dev lo table 133"],
    },
  ]);
  assert.deepEqual(
    routeDeletions(both, none).map(({ lines }) => lines.slice(-2)),
    Array(2).fill(["route del local default dev lo table 133", "rule del fwmark 1337 lookup 133"]),
  );
});

test("what stands already is not touched", () => {
  assert.deepEqual(routeAdditions(both, both), []);
  assert.deepEqual(routeDeletions(both, both), []);
  const other: Routes = { ...both, markRoutes: [route("IPv4", 134), route("IPv6", 133)] };
  assert.deepEqual(routeDeletions(both, other), [
    { family: "IPv4", lines: ["route del local default dev lo table 133", "rule del fwmark 1337 lookup 133"] },
  ]);
});

test("a rule that stands twice is deleted as often", () => {
  const twice: Routes = { ...none, markRoutes: [route("IPv4", 133), route("IPv4", 133)] };
  assert.deepEqual(routeDeletions(twice, none)[0]?.lines, [
    "route del local default dev lo table 133",
    "rule del fwmark 1337 lookup 133",
    "rule del fwmark 1337 lookup 133",
  ]);
});

test("a table that another mark still needs keeps its route", () => {
  const old = { family: "IPv4" as const, mark: 42, table: 133 };
  const two: Routes = { ...none, markRoutes: [old, route("IPv4", 133)] };
  const one: Routes = { ...none, markRoutes: [route("IPv4", 133)] };
  assert.deepEqual(routeDeletions(two, one), [{ family: "IPv4", lines: ["rule del fwmark 42 lookup 133"] }]);
  assert.deepEqual(routeAdditions(one, two), [{ family: "IPv4", lines: ["rule add fwmark 42 lookup 133"] }]);
});

test("a rule whose table has no route is what a run left that was cut short: it is mended, or removed", () => {
  const withoutRoute = printed.replace(/^local default .*\n/m, "");
  const found = parseMarkRoutes(withoutRoute, "IPv4", new Set([1337]));
  assert.deepEqual(found, [{ family: "IPv4", mark: 1337, table: 133, withoutRoute: true }]);
  const left: Routes = { ...none, markRoutes: found };
  const whole: Routes = { ...none, markRoutes: [route("IPv4", 133)] };
  assert.deepEqual(routeAdditions(left, whole), [
    { family: "IPv4", lines: ["route add local default dev lo table 133"] },
  ]);
  assert.deepEqual(routeDeletions(left, whole), []);
  assert.deepEqual(routeDeletions(left, none), [{ family: "IPv4", lines: ["rule del fwmark 1337 lookup 133"] }]);
});
