import type { Cidr } from "../cidr.ts";
import { chains } from "../names.ts";
import { ports } from "../ports.ts";
import type { CaptureConfig } from "./config.ts";
import { type Draft, owners, rule } from "./draft.ts";
import * as is from "./match.ts";
import type { Family, Match } from "./rule.ts";

function dnsChain(config: CaptureConfig): string {
  return `${config.outboundChain}_DNS`;
}

export function dns(config: CaptureConfig, families: readonly Family[]): Draft[] {
  if (config.dns === "off") return [];
  const chain = dnsChain(config);
  const servers = config.dns === "all" ? [undefined] : config.dnsServers;
  const served = families.filter(
    (family) => config.dns === "all" || config.dnsServers.some((s) => s.family === family),
  );
  const at = (server: Cidr | undefined) => (server === undefined ? [] : [is.destination(server)]);
  const query = (match: Match, server: Cidr | undefined) => [match, is.destinationPort("53"), ...at(server)];
  const answer = (server: Cidr | undefined) => [
    is.udp,
    is.sourcePort("53"),
    ...(server === undefined ? [] : [is.source(server)]),
  ];
  const port = String(ports.dns);
  return [
    rule("raw", "OUTPUT", [], is.jump(chain)),
    { ...rule("nat", config.outboundChain, [], is.jump(chain)), families: served },
    ...servers.map((server) => rule("nat", chain, query(is.tcp, server), is.redirect(port))),
    ...servers.map((server) => rule("nat", chain, query(is.udp, server), is.redirect(port, "udp"))),
    ...owners(config).flatMap((owner) => [
      rule("raw", chain, [is.udp, is.destinationPort("53"), is.ownedBy(owner)], is.zone(1)),
      rule("raw", chain, [is.udp, is.sourcePort(port), is.ownedBy(owner)], is.zone(2)),
    ]),
    { ...rule("raw", "PREROUTING", [], is.jump(chains.inbound)), families: served },
    ...servers.flatMap((server) => [
      rule("raw", chain, query(is.udp, server), is.zone(2)),
      rule("raw", chains.inbound, answer(server), is.zone(1)),
    ]),
  ];
}
