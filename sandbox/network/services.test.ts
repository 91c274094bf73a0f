import assert from "node:assert/strict";
import { test } from "node:test";
import { readManifest } from "../manifest/read.ts";
import { parseObjects } from "../manifest/yaml.ts";
import { printServiceRules } from "./service-rules.ts";
import { type Backend, backendsOf, placeServices, servicePorts } from "./services.ts";

function services(...specs: [string, object][]) {
  const text = specs
    .map(([name, spec]) => JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name }, spec }))
    .join("\n---\n");
  return readManifest(parseObjects([{ name: "test", text }]), "shop").services;
}

function backend(name: string, change: Partial<Backend> = {}): Backend {
  const ports = [{ name: "http", containerPort: 8080, protocol: "TCP" }];
  const index = Number(name.at(-1));
  const ips = [`10.244.0.${index}`, `fd00:10:244::${index}`];
  return { name, namespace: "shop", labels: { app: "web" }, ips, ready: true, ports, ...change };
}

const web = { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] };

test("Services get addresses in order; one that asks for an address has it, and nobody else", () => {
  const placed = placeServices(
    services(["a", web], ["b", { ...web, clusterIP: "10.96.0.101" }], ["c", web], ["d", { ...web, clusterIP: "None" }]),
    ["IPv4", "IPv6"],
  );
  assert.deepEqual(
    placed.map(({ clusterIps }) => clusterIps),
    [["10.96.0.100"], ["10.96.0.101"], ["10.96.0.102"], []],
  );
});

test("a Service has the first family, or both when it prefers them, or those it names", () => {
  const families = (spec: object, available: ("IPv4" | "IPv6")[]) =>
    placeServices(services(["a", { ...web, ...spec }]), available)[0]?.clusterIps;
  assert.deepEqual(families({}, ["IPv6", "IPv4"]), ["fd00:10:96::64"]);
  assert.deepEqual(families({ ipFamilyPolicy: "PreferDualStack" }, ["IPv4", "IPv6"]), [
    "10.96.0.100",
    "fd00:10:96::64",
  ]);
  assert.deepEqual(families({ ipFamilies: ["IPv6"] }, ["IPv4", "IPv6"]), ["fd00:10:96::64"]);
});

test("behind a Service are the ready Pods of its namespace with all its labels", () => {
  const [service] = services(["a", web]);
  assert.ok(service);
  const found = backendsOf(service, [
    backend("web-1"),
    backend("web-2", { ready: false }),
    backend("web-3", { namespace: "other" }),
    backend("web-4", { labels: {} }),
  ]);
  assert.deepEqual(
    found.map(({ name }) => name),
    ["web-1"],
  );
});

test("publishNotReadyAddresses counts the others too; without a selector there are none", () => {
  const names = (spec: object) => {
    const [service] = services(["a", { ...web, ...spec }]);
    assert.ok(service);
    return backendsOf(service, [backend("web-1", { ready: false })]).map(({ name }) => name);
  };
  assert.deepEqual(names({ publishNotReadyAddresses: true }), ["web-1"]);
  assert.deepEqual(names({ selector: {}, publishNotReadyAddresses: true }), []);
});

test("a named target port is each Pod's own; a Pod without it is no endpoint", () => {
  const placed = placeServices(services(["a", web]), ["IPv4"]);
  const other = [{ name: "http", containerPort: 9090, protocol: "TCP" }];
  const pods = [backend("web-1"), backend("web-2", { ports: other }), backend("web-3", { ports: [] })];
  const [port] = servicePorts(placed, pods);
  assert.deepEqual(port?.endpoints, [
    { ip: "10.244.0.1", port: 8080 },
    { ip: "10.244.0.2", port: 9090 },
  ]);
});

test("the rules send a Service's port to its endpoints, and refuse one that has none", () => {
  const placed = placeServices(services(["a", web], ["b", { ...web, selector: { app: "none" } }]), ["IPv4"]);
  const pods = [backend("web-1"), backend("web-2")];
  const rules = printServiceRules({ ports: servicePorts(placed, pods), podIps: ["10.244.0.1"] }, ["IPv4"]);
  assert.match(
    rules,
    /service-10-96-0-100-tcp-80 meta l4proto tcp dnat ip to numgen random mod 2 map \{ 0 : 10\.244\.0\.1 \. 8080, 1 : 10\.244\.0\.2 \. 8080 \} comment "shop\/a:http"/,
  );
  assert.match(rules, /add element ip outrigger-services service-ips \{ 10\.96\.0\.100, 10\.96\.0\.101 \}/);
  assert.match(rules, /service-ports \{ 10\.96\.0\.100 \. tcp \. 80 : goto service-10-96-0-100-tcp-80 \}/);
  assert.doesNotMatch(rules, /ip6/);
});

test("a sticky Service chooses by the client's address", () => {
  const placed = placeServices(services(["a", { ...web, sessionAffinity: "ClientIP" }]), ["IPv6"]);
  const rules = printServiceRules({ ports: servicePorts(placed, [backend("web-1")]), podIps: [] }, ["IPv6"]);
  assert.match(rules, /dnat ip6 to jhash ip6 saddr mod 1 map \{ 0 : fd00:10:244::1 \. 8080 \}/);
});
