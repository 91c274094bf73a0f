import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonValue, resourcesOf, type ShownKind } from "./config-dump.ts";
import { type Narrowing, narrow, narrowingOf } from "./narrow.ts";
import { proxyTable } from "./proxy-tables.ts";

const at = (address: string, port: number) => ({ socket_address: { address, port_value: port } });
const listener = (name: string, address: string, port: number) => ({
  name,
  address: at(address, port),
  filter_chains: [{}],
});
const cluster = (name: string) => ({ cluster: { name, type: "EDS" } });
const host = (address: string, port: number, eds_health_status: string) => ({
  address: at(address, port),
  health_status: { eds_health_status },
});

/** A config dump as Envoy gives it, with a little of each kind. */
const dump: JsonValue = {
  configs: [
    {
      "@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
      version_info: "1",
      static_listeners: [{ listener: listener("health", "0.0.0.0", 15021) }],
      dynamic_listeners: [
        { name: "0.0.0.0_80", active_state: { listener: listener("0.0.0.0_80", "0.0.0.0", 80) } },
        { name: "10.96.0.7_5432", active_state: { listener: listener("10.96.0.7_5432", "10.96.0.7", 5432) } },
      ],
    },
    {
      "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump",
      static_clusters: [cluster("admin")],
      dynamic_active_clusters: [
        cluster("outbound|80||reviews.shop.svc.cluster.local"),
        cluster("outbound|90|v1|reviews.shop.svc.cluster.local"),
        cluster("inbound|8080||"),
      ],
    },
    {
      "@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
      dynamic_route_configs: ["80", "90"].map((name) => ({ route_config: { name, virtual_hosts: [] } })),
    },
    {
      "@type": "type.googleapis.com/envoy.admin.v3.SecretsConfigDump",
      dynamic_active_secrets: [{ name: "default" }, { name: "ROOTCA" }],
    },
  ],
};
const clusters: JsonValue = {
  cluster_statuses: [
    {
      name: "outbound|80||reviews",
      host_statuses: [host("10.0.0.1", 8080, "HEALTHY"), host("10.0.0.2", 8080, "DRAINING")],
    },
    { name: "inbound|8080||", host_statuses: [host("10.0.0.1", 8080, "HEALTHY")] },
  ],
};

function shown(kind: ShownKind, narrowing: Narrowing): string[] {
  const answer = narrow(kind, kind === "endpoints" ? clusters : dump, narrowing);
  return proxyTable(kind, answer, new Date())
    .trim()
    .split("\n")
    .slice(1)
    .map((line) =>
      line
        .split(/ {3,}/)
        .slice(0, kind === "endpoints" ? 4 : 3)
        .join(" "),
    );
}

const cases: readonly (readonly [kind: ShownKind, narrowing: Narrowing, rows: readonly string[]])[] = [
  ["listeners", {}, ["0.0.0.0 15021 health", "0.0.0.0 80 0.0.0.0_80", "10.96.0.7 5432 10.96.0.7_5432"]],
  ["listeners", { port: "80" }, ["0.0.0.0 80 0.0.0.0_80"]],
  ["listeners", { address: "0.0.0.0", port: "15021" }, ["0.0.0.0 15021 health"]],
  ["listeners", { port: "81" }, []],
  [
    "clusters",
    { fqdn: "reviews.shop" },
    ["reviews.shop.svc.cluster.local 80 -", "reviews.shop.svc.cluster.local 90 v1"],
  ],
  ["clusters", { fqdn: "reviews.shop.svc.cluster.local", subset: "v1" }, ["reviews.shop.svc.cluster.local 90 v1"]],
  ["clusters", { direction: "inbound" }, ["- 8080 -"]],
  ["clusters", { port: "80" }, ["reviews.shop.svc.cluster.local 80 -"]],
  ["endpoints", { cluster: "inbound|8080||" }, ["10.0.0.1:8080 HEALTHY OK inbound|8080||"]],
  ["endpoints", { status: "draining" }, ["10.0.0.2:8080 DRAINING OK outbound|80||reviews"]],
  ["endpoints", { address: "10.0.0.9" }, []],
];
for (const [kind, narrowing, rows] of cases) {
  test(`${kind} by ${JSON.stringify(narrowing)}`, () => assert.deepEqual(shown(kind, narrowing), rows));
}

test("routes and secrets by name, as JSON too", () => {
  const names = (kind: "routes" | "secrets", narrowing: Narrowing) =>
    resourcesOf(narrow(kind, dump, narrowing), kind).map((found) => (found as { name: string }).name);
  assert.deepEqual(names("routes", { name: "90" }), ["90"]);
  assert.deepEqual(names("secrets", { name: "ROOTCA" }), ["ROOTCA"]);
});

test("a filter that a kind does not have is refused, with those that it has", () => {
  assert.throws(
    () => narrow("routes", dump, { fqdn: "x" }),
    /--fqdn is nothing that routes have; routes are narrowed by --name/,
  );
  assert.deepEqual(narrowingOf("endpoints"), ["--address", "--port", "--status", "--cluster"]);
});
