import type { Address, IpFamily } from "../address.ts";
import { type Cidr, cidr } from "../cidr.ts";
import type { InterceptionMode } from "../interception-mode.ts";
import type { chains, istioOutboundChain } from "../names.ts";
import type { PortRange } from "../port-list.ts";

/** A group of the operating system, by number or by the name that /etc/group gives it. */
export type Group = number | string;

export type InboundCapture =
  | { readonly capture: "none" }
  | { readonly capture: "all"; readonly exclude: readonly PortRange[] }
  | { readonly capture: "ports"; readonly ports: readonly PortRange[] };

export interface OutboundCapture {
  /** The destinations that are captured; an empty list captures none. */
  readonly cidrs: "all" | readonly Cidr[];
  readonly excludeCidrs: readonly Cidr[];
  /** Ports captured whatever the destination is. */
  readonly ports: readonly PortRange[];
  readonly excludePorts: readonly PortRange[];
}

/** Whose traffic is captured: all but some groups, or only some groups (an empty list: nobody's). */
export type OwnerGroups =
  | { readonly capture: "all"; readonly exclude: readonly Group[] }
  | { readonly capture: "groups"; readonly groups: readonly Group[] };

export type DnsCapture =
  | { readonly capture: "none" }
  | { readonly capture: "all" }
  | { readonly capture: "servers"; readonly servers: readonly Address[] };

/**
 * What of a Pod's traffic goes through its proxy: validated, complete, and all that `compile` needs to know.
 * Source of every field: the flags of `outrigger init` (docs/init.md).
 */
export interface CaptureConfig {
  readonly mode: Exclude<InterceptionMode, "NONE">;
  /** Ports on which the proxy listens. */
  readonly outboundPort: number;
  readonly inboundPort: number;
  /** HBONE traffic to this port is never captured. */
  readonly tunnelPort: number;
  /** Whose own traffic is not captured again. */
  readonly proxyUids: readonly number[];
  readonly proxyGids: readonly number[];
  readonly inbound: InboundCapture;
  readonly outbound: OutboundCapture;
  readonly ownerGroups: OwnerGroups;
  /** Interfaces whose traffic is left alone. */
  readonly excludeInterfaces: readonly string[];
  /** Interfaces (of virtual machines) whose incoming traffic counts as the Pod's outbound. */
  readonly virtualInterfaces: readonly string[];
  readonly dns: DnsCapture;
  /** Drop packets that connection tracking takes for invalid: they would go past the NAT, and reset connections. */
  readonly dropInvalid: boolean;
  /** Whether IPv6 is captured; IPv4 always is. */
  readonly ipv6: boolean;
  /** The IPv4 range that counts as loopback. */
  readonly loopback: Cidr;
  readonly tproxy: { readonly mark: number; readonly routeTable: number };
  readonly outboundChain: typeof chains.outbound | typeof istioOutboundChain;
}

/** The families that a configuration captures, IPv4 first. */
export function families({ ipv6 }: Pick<CaptureConfig, "ipv6">): readonly IpFamily[] {
  return ipv6 ? ["IPv4", "IPv6"] : ["IPv4"];
}

/** The range that counts as loopback in a family. */
export function loopbackOf({ loopback }: CaptureConfig, family: IpFamily): Cidr {
  return family === "IPv4" ? loopback : ipv6Loopback;
}

const ipv6Loopback = cidr("::1/128");

/** The source address with which the proxy hands inbound traffic to the application, so that it is not captured again. */
export const passthroughSource: Readonly<Record<IpFamily, Cidr>> = {
  IPv4: cidr("127.0.0.6/32"),
  IPv6: cidr("::6/128"),
};
