import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Cidr, parseCidr } from "../../mesh/cidr.ts";
import { splitList } from "../../mesh/port-list.ts";
import { compile } from "../../mesh/redirect/compile.ts";
import type { CaptureConfig } from "../../mesh/redirect/config.ts";
import { printIptables } from "../../mesh/redirect/iptables.ts";

/** The reference's settings, by the names that stand in the case files. */
type ReferenceConfig = Readonly<Record<string, string>> & {
  readonly REDIRECT_DNS: boolean;
  readonly CAPTURE_ALL_DNS: boolean;
  readonly DROP_INVALID: boolean;
  readonly ENABLE_INBOUND_IPV6: boolean;
  readonly DNS_SERVERS_V4: readonly string[] | null;
  readonly DNS_SERVERS_V6: readonly string[] | null;
};

interface Case {
  readonly name: string;
  readonly config: ReferenceConfig;
  readonly v4?: string | null;
  readonly v6?: string | null;
  readonly error?: string;
  readonly golden?: string;
}

const folder = join(
  process.env.OUTRIGGER_CONFORMANCE ?? join(import.meta.dirname, "../../../shared/conformance"),
  "capture",
);

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(parsed, `${text} is a CIDR`);
  return parsed;
}

function wildcard<Item>(text: string, item: (one: string) => Item): "*" | Item[] {
  return text === "*" ? "*" : splitList(text).map(item);
}

function dnsCapture(reference: ReferenceConfig, servers: readonly Cidr[]): CaptureConfig["dns"] {
  if (!reference.REDIRECT_DNS) return "off";
  if (reference.CAPTURE_ALL_DNS) return "all";
  return servers.length === 0 ? "off" : "servers";
}

function toCaptureConfig(reference: ReferenceConfig): CaptureConfig {
  const text = (name: string) => reference[name] ?? "";
  const list = (name: string) => splitList(text(name));
  const dnsServers = [
    ...(reference.DNS_SERVERS_V4 ?? []).map((server) => cidr(`${server}/32`)),
    ...(reference.DNS_SERVERS_V6 ?? []).map((server) => cidr(`${server}/128`)),
  ];
  return {
    outboundChain: "ISTIO_OUTPUT",
    mode: text("INBOUND_INTERCEPTION_MODE") === "TPROXY" ? "TPROXY" : "REDIRECT",
    outboundPort: text("PROXY_PORT"),
    inboundPort: text("INBOUND_CAPTURE_PORT"),
    tunnelPort: text("INBOUND_TUNNEL_PORT"),
    proxyUids: list("PROXY_UID"),
    proxyGids: list("PROXY_GID"),
    tproxyMark: text("INBOUND_TPROXY_MARK"),
    tproxyRouteTable: text("INBOUND_TPROXY_ROUTE_TABLE"),
    includeInboundPorts: wildcard(text("INBOUND_PORTS_INCLUDE"), String),
    excludeInboundPorts: list("INBOUND_PORTS_EXCLUDE"),
    includeOutboundCidrs: wildcard(text("OUTBOUND_IPRANGES_INCLUDE"), cidr),
    excludeOutboundCidrs: list("OUTBOUND_IPRANGES_EXCLUDE").map(cidr),
    includeOutboundPorts: list("OUTBOUND_PORTS_INCLUDE"),
    excludeOutboundPorts: list("OUTBOUND_PORTS_EXCLUDE"),
    includeOwnerGroups: wildcard(text("OUTBOUND_OWNER_GROUPS_INCLUDE"), String),
    excludeOwnerGroups: list("OUTBOUND_OWNER_GROUPS_EXCLUDE"),
    excludeInterfaces: list("EXCLUDE_INTERFACES"),
    virtualInterfaces: list("KUBE_VIRT_INTERFACES"),
    dns: dnsCapture(reference, dnsServers),
    dnsServers,
    dropInvalid: reference.DROP_INVALID,
    loopbackCidr: cidr(text("HOST_IPV4_LOOPBACK_CIDR")),
    ipv6: reference.ENABLE_INBOUND_IPV6,
  };
}

function compare(one: Case): void {
  const ruleSet = compile(toCaptureConfig(one.config));
  assert.equal(printIptables(ruleSet, "ipv4"), one.v4 ?? one.golden ?? "");
  if (one.golden === undefined) assert.equal(printIptables(ruleSet, "ipv6"), one.v6 ?? "");
}

for (const file of ["cases.json", "random.json", "cni.json"]) {
  const path = join(folder, file);
  if (!existsSync(path)) {
    test(`capture ${file}`, { skip: `no conformance cases at ${folder} (set OUTRIGGER_CONFORMANCE)` });
    continue;
  }
  for (const one of JSON.parse(readFileSync(path, "utf8")) as Case[]) {
    test(`capture ${file} ${one.name}`, () => {
      if (one.error === undefined) compare(one);
      else assert.throws(() => compare(one));
    });
  }
}
