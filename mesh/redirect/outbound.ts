import { isLoopback } from "../cidr.ts";
import { chains } from "../names.ts";
import type { CaptureConfig } from "./config.ts";
import { dns } from "./dns.ts";
import { type Draft, inboundSources, insert, loopbacks, owners, rule } from "./draft.ts";
import type { Owner } from "./match.ts";
import * as is from "./match.ts";
import type { Family, Match, Target } from "./rule.ts";

function ownerRules(config: CaptureConfig, owner: Owner): Draft[] {
  const { outboundChain, tunnelPort, includeOutboundCidrs } = config;
  const lo = is.to("lo");
  const dns = config.dns !== "off";
  const notTunnel =
    dns && owner.by === "uid"
      ? [is.tcp, is.notDestinationPorts("53", tunnelPort)]
      : [is.tcp, is.notDestinationPort(tunnelPort)];
  const loopbackIncluded = includeOutboundCidrs !== "*" && includeOutboundCidrs.some(isLoopback);
  const others = dns ? [lo, is.tcp, is.notDestinationPort("53"), is.notOwnedBy(owner)] : [lo, is.notOwnedBy(owner)];
  return [
    ...loopbacks(config).map((address) =>
      rule(
        "nat",
        outboundChain,
        [lo, is.notDestination(address), ...notTunnel, is.ownedBy(owner)],
        is.jump(chains.inboundRedirect),
      ),
    ),
    ...(loopbackIncluded ? [] : [rule("nat", outboundChain, others, is.returns)]),
    rule("nat", outboundChain, [is.ownedBy(owner)], is.returns),
  ];
}

function ownerGroups({ outboundChain, includeOwnerGroups, excludeOwnerGroups }: CaptureConfig): Draft[] {
  const group = (id: string): Owner => ({ by: "gid", id });
  if (includeOwnerGroups === "*") {
    return excludeOwnerGroups.map((id) => rule("nat", outboundChain, [is.ownedBy(group(id))], is.returns));
  }
  return [
    rule(
      "nat",
      outboundChain,
      includeOwnerGroups.map((id) => is.notOwnedBy(group(id))),
      is.returns,
    ),
  ];
}

export function outbound(config: CaptureConfig, families: readonly Family[]): Draft[] {
  const { outboundChain: chain, includeOutboundCidrs: included, virtualInterfaces } = config;
  const append = (matches: readonly Match[], target: Target) => rule("nat", chain, matches, target);
  const fromVirtual = (matches: readonly Match[]) =>
    virtualInterfaces.map((name) =>
      insert("nat", "PREROUTING", 1, [is.from(name), ...matches], is.jump(chains.redirect)),
    );
  const capture = (matches: readonly Match[]) => append(matches, is.jump(chains.redirect));
  return [
    rule("nat", "OUTPUT", [], is.jump(chain)),
    ...config.excludeOutboundPorts.flatMap((port) => [
      append([is.tcp, is.destinationPort(port)], is.returns),
      append([is.udp, is.destinationPort(port)], is.returns),
    ]),
    ...inboundSources.map((address) => append([is.to("lo"), is.source(address)], is.returns)),
    ...owners(config).flatMap((owner) => ownerRules(config, owner)),
    ...ownerGroups(config),
    ...dns(config, families),
    ...loopbacks(config).map((lo) => append([is.destination(lo)], is.returns)),
    ...config.excludeOutboundCidrs.map((excluded) => append([is.destination(excluded)], is.returns)),
    ...config.includeOutboundPorts.map((port) => append([is.tcp, is.destinationPort(port)], is.jump(chains.redirect))),
    ...(included === "*"
      ? [capture([]), ...fromVirtual([])]
      : included.flatMap((address) => [...fromVirtual([is.destination(address)]), capture([is.destination(address)])])),
  ];
}
