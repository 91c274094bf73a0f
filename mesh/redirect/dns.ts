import { type Cidr, hostCidr } from "../cidr.ts";
import { chains, dnsChainSuffix } from "../names.ts";
import { ports } from "../ports.ts";
import { type CaptureConfig, families } from "./config.ts";
import { because, owners, type ReasonedDraft, rule } from "./draft.ts";
import * as is from "./match.ts";
import type { Match, Protocol } from "./rule.ts";

/** The port of DNS servers. */
export const dnsPort = 53;

/** Connection tracking keeps the application's queries and the proxy's own apart, which may have equal addresses. */
const zones = { proxy: 1, application: 2 } as const;

/** The name of the chain that redirects DNS. */
export function dnsChain({ outboundChain }: Pick<CaptureConfig, "outboundChain">): string {
  return `${outboundChain}${dnsChainSuffix}`;
}

function query(protocol: Protocol, server: Cidr | undefined): Match[] {
  const toPort = is.destinationPort(protocol, dnsPort);
  // "meta l4proto tcp tcp dport 53": the nft text without a server says TCP twice, as Istio's does.
  if (server === undefined) return protocol === "tcp" ? [is.tcp, toPort] : [toPort];
  return [toPort, is.destination(server)];
}

function answer(server: Cidr | undefined): Match[] {
  return [is.sourcePort("udp", dnsPort), ...(server === undefined ? [] : [is.source(server)])];
}

/** Connection tracking zones, in the raw table, which is before connection tracking. */
function zoneRules(config: CaptureConfig, servers: readonly (Cidr | undefined)[]): ReasonedDraft[] {
  const chain = dnsChain(config);
  const { proxy, application } = zones;
  return [
    ...because(
      "redirectDns",
      "connection tracking keeps the proxy's queries apart from the application's",
      owners(config).flatMap((owner) => [
        rule("raw", chain, [is.destinationPort("udp", dnsPort), is.ownedBy(owner)], is.zone(proxy)),
        rule("raw", chain, [is.sourcePort("udp", ports.dns), is.ownedBy(owner)], is.zone(application)),
      ]),
    ),
    ...because("redirectDns", "answers of DNS servers are looked at here", [
      { ...rule("raw", "PREROUTING", [], is.jump(chains.inbound)), families: servedFamilies(config) },
    ]),
    ...because(
      "redirectDns",
      "connection tracking keeps the application's queries apart from the proxy's",
      servers.flatMap((server) => [
        rule("raw", chain, query("udp", server), is.zone(application)),
        rule("raw", chains.inbound, answer(server), is.zone(proxy)),
      ]),
    ),
  ];
}

/** The families in which some DNS is captured: a Pod may have IPv6 and only IPv4 servers. */
function servedFamilies(config: CaptureConfig) {
  const { dns } = config;
  if (dns.capture !== "servers") return families(config);
  return families(config).filter((family) => dns.servers.some((server) => server.family === family));
}

/** OUTPUT → ISTIO_OUTBOUND → ISTIO_OUTBOUND_DNS → the proxy's DNS port. */
export function dns(config: CaptureConfig): ReasonedDraft[] {
  if (config.dns.capture === "none") return [];
  const chain = dnsChain(config);
  const inOrder = (family: string) =>
    (config.dns.capture === "servers" ? config.dns.servers : []).filter((server) => server.family === family);
  const servers = config.dns.capture === "all" ? [undefined] : [...inOrder("IPv4"), ...inOrder("IPv6")].map(hostCidr);
  const redirected = (protocol: Protocol) =>
    servers.map((server) => rule("nat", chain, query(protocol, server), is.redirect(protocol, ports.dns)));
  return [
    ...because("redirectDns", "DNS is looked at here", [
      rule("raw", "OUTPUT", [], is.jump(chain)),
      { ...rule("nat", config.outboundChain, [], is.jump(chain)), families: servedFamilies(config) },
    ]),
    ...because(config.dns.capture === "all" ? "captureAllDns" : "redirectDns", "DNS goes to the proxy", [
      ...redirected("tcp"),
      ...redirected("udp"),
    ]),
    ...zoneRules(config, servers),
  ];
}
