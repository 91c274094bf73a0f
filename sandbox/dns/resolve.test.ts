import assert from "node:assert/strict";
import { test } from "node:test";
import type { RecordType } from "dns-packet";
import { readManifest } from "../manifest/read.ts";
import { parseObjects } from "../manifest/yaml.ts";
import { placeServices } from "../network/services.ts";
import { resolve } from "./resolve.ts";
import { buildZone } from "./zone.ts";

const manifest = `
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, ports: [{name: http, port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, spec: {clusterIP: None, selector: {app: web}, ports: [{name: sql, port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: alias, namespace: shop}, spec: {type: ExternalName, externalName: web.shop.svc.cluster.local}}
---
{apiVersion: v1, kind: Service, metadata: {name: out, namespace: shop}, spec: {type: ExternalName, externalName: example.com}}
`;
const { services } = readManifest(parseObjects([{ name: "test", text: manifest }]), "default");
const pods = [
  {
    name: "db-0",
    namespace: "shop",
    labels: { app: "web" },
    ips: ["10.244.0.2"],
    ready: true,
    ports: [],
    hostname: "db-0",
    subdomain: "db",
  },
  { name: "web-1", namespace: "shop", labels: { app: "web" }, ips: ["10.244.0.3"], ready: true, ports: [] },
];
const zone = buildZone(placeServices(services, ["IPv4"]), pods);

function ask(name: string, type: RecordType = "A"): string {
  const { rcode, answers } = resolve(zone, { name, type });
  const data = answers.map((answer) => {
    const value = "data" in answer ? answer.data : "";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  });
  return [rcode, ...data.sort()].join(" ");
}

/** https://github.com/kubernetes/dns/blob/master/docs/specification.md */
const cases: [string, RecordType, string][] = [
  ["web.shop.svc.cluster.local", "A", "NOERROR 10.96.0.100"],
  ["WEB.shop.svc.Cluster.local.", "A", "NOERROR 10.96.0.100"],
  ["web.shop.svc.cluster.local", "AAAA", "NOERROR"],
  ["db.shop.svc.cluster.local", "A", "NOERROR 10.244.0.2 10.244.0.3"],
  ["db-0.db.shop.svc.cluster.local", "A", "NOERROR 10.244.0.2"],
  ["10-244-0-3.db.shop.svc.cluster.local", "A", "NOERROR 10.244.0.3"],
  ["10-244-0-3.shop.pod.cluster.local", "A", "NOERROR 10.244.0.3"],
  ["none.shop.svc.cluster.local", "A", "NXDOMAIN"],
  ["shop.svc.cluster.local", "A", "NOERROR"],
  ["svc.cluster.local", "A", "NOERROR"],
  ["web.other.svc.cluster.local", "A", "NXDOMAIN"],
  ["2.0.244.10.in-addr.arpa", "PTR", "NOERROR db-0.db.shop.svc.cluster.local"],
  ["100.0.96.10.in-addr.arpa", "PTR", "NOERROR web.shop.svc.cluster.local"],
  ["9.9.9.9.in-addr.arpa", "PTR", "NXDOMAIN"],
  ["alias.shop.svc.cluster.local", "A", "NOERROR 10.96.0.100 web.shop.svc.cluster.local"],
  ["alias.shop.svc.cluster.local", "CNAME", "NOERROR web.shop.svc.cluster.local"],
  ["out.shop.svc.cluster.local", "A", "SERVFAIL example.com"],
  ["example.com", "A", "SERVFAIL"],
  ["web", "A", "NXDOMAIN"],
];

for (const [name, type, expected] of cases) {
  test(`${name} ${type}: ${expected}`, () => assert.equal(ask(name, type), expected));
}

test("named ports have SRV records", () => {
  assert.match(ask("_http._tcp.web.shop.svc.cluster.local", "SRV"), /"port":80,"target":"web\.shop\.svc/);
  assert.match(ask("_sql._tcp.db.shop.svc.cluster.local", "SRV"), /"target":"db-0\.db\.shop\.svc/);
});

test("a name that has no record of the type says for how long that may be kept", () => {
  assert.equal(resolve(zone, { name: "web.shop.svc.cluster.local", type: "AAAA" }).authorities[0]?.type, "SOA");
});

test("several addresses are given in turn", () => {
  const first = (turn: number) => {
    const [answer] = resolve(zone, { name: "db.shop.svc.cluster.local", type: "A" }, turn).answers;
    return answer?.type === "A" ? answer.data : undefined;
  };
  assert.notEqual(first(0), first(1));
  assert.equal(first(0), first(2));
});
