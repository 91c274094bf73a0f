import type { Cidr } from "../cidr.ts";

/** A list that may be everything. */
export type Wildcard<Item> = "*" | readonly Item[];

/** Valid settings of capture: what the rule set is compiled from. Ports, ids and marks are decimal numbers as text. */
export interface CaptureConfig {
  readonly outboundChain: string;
  readonly mode: "REDIRECT" | "TPROXY";
  readonly outboundPort: string;
  readonly inboundPort: string;
  readonly tunnelPort: string;
  readonly proxyUids: readonly string[];
  readonly proxyGids: readonly string[];
  readonly tproxyMark: string;
  readonly tproxyRouteTable: string;
  readonly includeInboundPorts: Wildcard<string>;
  readonly excludeInboundPorts: readonly string[];
  readonly includeOutboundCidrs: Wildcard<Cidr>;
  readonly excludeOutboundCidrs: readonly Cidr[];
  readonly includeOutboundPorts: readonly string[];
  readonly excludeOutboundPorts: readonly string[];
  readonly includeOwnerGroups: Wildcard<string>;
  readonly excludeOwnerGroups: readonly string[];
  readonly excludeInterfaces: readonly string[];
  readonly virtualInterfaces: readonly string[];
  readonly dns: "off" | "servers" | "all";
  readonly dnsServers: readonly Cidr[];
  readonly dropInvalid: boolean;
  readonly loopbackCidr: Cidr;
  readonly ipv6: boolean;
}
