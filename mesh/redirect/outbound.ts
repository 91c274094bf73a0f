import { isLoopback } from "../cidr.ts";
import { chains } from "../names.ts";
import type { CaptureConfig } from "./config.ts";
import { dns, dnsPort } from "./dns.ts";
import { because, insert, loopbacks, owners, passthroughSources, type ReasonedDraft, rule } from "./draft.ts";
import type { Owner } from "./match.ts";
import * as is from "./match.ts";
import type { Match } from "./rule.ts";

/** Excluded ports, and what the proxy hands to the application. */
function bypasses(config: CaptureConfig): ReasonedDraft[] {
  const { outboundChain: chain, outbound } = config;
  return [
    ...because("outboundChain", "what the Pod sends is looked at here", [rule("nat", "OUTPUT", [], is.jump(chain))]),
    ...because(
      "excludeOutboundPorts",
      "traffic to this port is left alone",
      outbound.excludePorts.flatMap((range) => [
        rule("nat", chain, [is.destinationPorts("tcp", range)], is.returns),
        rule("nat", chain, [is.destinationPorts("udp", range)], is.returns),
      ]),
    ),
    ...because(
      undefined,
      "the proxy hands inbound traffic to the application from this address",
      passthroughSources(config).map((address) => rule("nat", chain, [is.to("lo"), is.source(address)], is.returns)),
    ),
  ];
}

/** The proxy's own traffic: to its own Pod it counts as inbound, elsewhere it is left alone. */
function ownTraffic(config: CaptureConfig, owner: Owner): ReasonedDraft[] {
  const { outboundChain: chain, tunnelPort, outbound } = config;
  const setting = owner.by === "uid" ? "proxyUids" : "proxyGids";
  const lo = is.to("lo");
  const capturesDns = config.dns.capture !== "none";
  const uncaptured = capturesDns && owner.by === "uid" ? [dnsPort, tunnelPort] : [tunnelPort];
  const others = capturesDns ? [lo, is.tcp, is.notDestinationPort("tcp", dnsPort)] : [lo];
  const capturesLoopback = outbound.cidrs !== "all" && outbound.cidrs.some(isLoopback);
  return [
    ...because(
      setting,
      "the proxy calling its own Pod is inbound traffic",
      loopbacks(config).map((loopback) => {
        const toPod = [lo, is.notDestination(loopback), is.tcp, is.notDestinationPort("tcp", ...uncaptured)];
        return rule("nat", chain, [...toPod, is.ownedBy(owner)], is.jump(chains.inboundRedirect));
      }),
    ),
    ...because(
      setting,
      "traffic within the Pod is left alone",
      capturesLoopback ? [] : [rule("nat", chain, [...others, is.notOwnedBy(owner)], is.returns)],
    ),
    ...because(setting, "the proxy's own traffic is not captured again", [
      rule("nat", chain, [is.ownedBy(owner)], is.returns),
    ]),
  ];
}

function ownerGroups({ outboundChain: chain, ownerGroups: wanted }: CaptureConfig): ReasonedDraft[] {
  if (wanted.capture === "all") {
    const left = wanted.exclude.map((id) => rule("nat", chain, [is.ownedBy({ by: "gid", id })], is.returns));
    return because("excludeOwnerGroups", "traffic of this group is left alone", left);
  }
  const foreign = wanted.groups.map((id) => is.notOwnedBy({ by: "gid", id }));
  return because("ownerGroups", "only the traffic of some groups is captured", [
    rule("nat", chain, foreign, is.returns),
  ]);
}

/** Destinations that are left alone, then those that are captured. */
function destinations(config: CaptureConfig): ReasonedDraft[] {
  const { outboundChain: chain, outbound, virtualInterfaces } = config;
  const redirected = is.jump(chains.redirect);
  const captured = (matches: readonly Match[]) =>
    because("outboundCidrs", "outbound traffic goes to the proxy", [rule("nat", chain, matches, redirected)]);
  const fromVirtual = (matches: readonly Match[]) =>
    because(
      "virtualInterfaces",
      "what a virtual machine sends is outbound traffic",
      virtualInterfaces.map((name) => insert("nat", "PREROUTING", 1, [is.from(name), ...matches], redirected)),
    );
  return [
    ...because(
      "loopback",
      "traffic to loopback is left alone",
      loopbacks(config).map((loopback) => rule("nat", chain, [is.destination(loopback)], is.returns)),
    ),
    ...because(
      "excludeOutboundCidrs",
      "traffic to this range is left alone",
      outbound.excludeCidrs.map((range) => rule("nat", chain, [is.destination(range)], is.returns)),
    ),
    ...because(
      "outboundPorts",
      "traffic to this port goes to the proxy, wherever it goes",
      outbound.ports.map((range) => rule("nat", chain, [is.destinationPorts("tcp", range)], redirected)),
    ),
    ...(outbound.cidrs === "all"
      ? [...captured([]), ...fromVirtual([])]
      : outbound.cidrs.flatMap((range) => [
          ...fromVirtual([is.destination(range)]),
          ...captured([is.destination(range)]),
        ])),
  ];
}

/** OUTPUT → ISTIO_OUTBOUND → ISTIO_REDIRECT. */
export function outbound(config: CaptureConfig): ReasonedDraft[] {
  return [
    ...bypasses(config),
    ...owners(config).flatMap((owner) => ownTraffic(config, owner)),
    ...ownerGroups(config),
    ...dns(config),
    ...destinations(config),
  ];
}
