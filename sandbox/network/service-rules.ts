import type { IpFamily } from "../manifest/kinds.ts";
import { familyOf } from "./addresses.ts";
import type { ServicePort } from "./services.ts";

/**
 * Services as kube-proxy writes them: a connection to a Service's address and port is sent on to one of its endpoints,
 * chosen at random, and stays there; what has no endpoint is refused. The rules live in the node's network namespace,
 * through which all traffic between Pods is routed:
 *
 *   Pod ─ veth ─ bridge ─ prerouting: Service → endpoint ─ forward: else refuse ─ postrouting: hairpin ─ bridge ─ Pod
 */
export interface ServiceRules {
  readonly ports: readonly ServicePort[];
  /** Every Pod's address: a Pod that reaches itself through a Service must see the node as the client. */
  readonly podIps: readonly string[];
}

const table = "outrigger-services";
const nftFamily = { IPv4: "ip", IPv6: "ip6" } as const;
/** nft refuses longer comments. */
const longestComment = 127;
const addressType = { IPv4: "ipv4_addr", IPv6: "ipv6_addr" } as const;

/**
 * IPv6 has no setting against it: the node would tell Pods to go to a Service's address directly, since it is reached
 * through the interface that they come from.
 */
const noRedirects = "icmpv6 type nd-redirect drop";

function elements(set: string, ip: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`add element ${ip} ${table} ${set} { ${items.join(", ")} }`];
}

/** Declarations are idempotent and the flushes empty what stood before: the whole text is one transaction. */
function skeleton(family: IpFamily): string[] {
  const ip = nftFamily[family];
  const type = addressType[family];
  const dispatch = `${ip} daddr . meta l4proto . th dport vmap @service-ports`;
  return [
    `add table ${ip} ${table}`,
    `add map ${ip} ${table} service-ports { type ${type} . inet_proto . inet_service : verdict; }`,
    `add set ${ip} ${table} service-ips { type ${type}; }`,
    `add set ${ip} ${table} hairpins { type ${type} . ${type}; }`,
    `add chain ${ip} ${table} prerouting { type nat hook prerouting priority -100; }`,
    `add chain ${ip} ${table} output { type nat hook output priority -100; }`,
    `add chain ${ip} ${table} postrouting { type nat hook postrouting priority 100; }`,
    `add chain ${ip} ${table} forward { type filter hook forward priority 0; }`,
    `add chain ${ip} ${table} outgoing { type filter hook output priority 0; }`,
    `flush table ${ip} ${table}`,
    `flush map ${ip} ${table} service-ports`,
    `flush set ${ip} ${table} service-ips`,
    `flush set ${ip} ${table} hairpins`,
    `add rule ${ip} ${table} prerouting ${dispatch}`,
    `add rule ${ip} ${table} output ${dispatch}`,
    `add rule ${ip} ${table} postrouting ct status dnat ${ip} saddr . ${ip} daddr @hairpins masquerade`,
    `add rule ${ip} ${table} forward ${ip} daddr @service-ips reject`,
    `add rule ${ip} ${table} outgoing ${ip} daddr @service-ips reject`,
    ...(family === "IPv6" ? [`add rule ${ip} ${table} outgoing ${noRedirects}`] : []),
  ];
}

function chainOf({ ip, protocol, port }: ServicePort): string {
  return `service-${ip.replaceAll(/[.:]/g, "-")}-${protocol}-${port}`;
}

function chainRules(family: IpFamily, service: ServicePort): string[] {
  const ip = nftFamily[family];
  const chain = `${ip} ${table} ${chainOf(service)}`;
  const { endpoints, protocol, sticky } = service;
  if (endpoints.length === 0) return [];
  const choice = `${sticky ? `jhash ${ip} saddr` : "numgen random"} mod ${endpoints.length}`;
  const map = endpoints.map((endpoint, index) => `${index} : ${endpoint.ip} . ${endpoint.port}`).join(", ");
  return [
    `add chain ${chain}`,
    `add rule ${chain} meta l4proto ${protocol} dnat ${ip} to ${choice} map { ${map} } comment "${service.name.slice(0, longestComment)}"`,
  ];
}

function familyRules(family: IpFamily, { ports, podIps }: ServiceRules): string[] {
  const own = ports.filter(({ ip }) => familyOf(ip) === family);
  const served = own.filter(({ endpoints }) => endpoints.length > 0);
  const ip = nftFamily[family];
  const dispatch = served.map(
    (service) => `${service.ip} . ${service.protocol} . ${service.port} : goto ${chainOf(service)}`,
  );
  const pods = podIps.filter((address) => familyOf(address) === family);
  return [
    ...skeleton(family),
    ...served.flatMap((service) => chainRules(family, service)),
    ...elements("service-ports", ip, dispatch),
    ...elements("service-ips", ip, [...new Set(own.map((service) => service.ip))]),
    ...elements(
      "hairpins",
      ip,
      pods.map((address) => `${address} . ${address}`),
    ),
  ];
}

/** The input of `nft -f -` that makes the rules what they should be, in one transaction. */
export function printServiceRules(rules: ServiceRules, ipFamilies: readonly IpFamily[]): string {
  return `${ipFamilies.flatMap((family) => familyRules(family, rules)).join("\n")}\n`;
}
