import type { CaptureSettingName } from "../mesh/redirect/capture-setting.ts";

/** How a flag shows in the help, and by which environment variables it can be set. */
export interface FlagDescription {
  readonly short?: string;
  /** What stands for the value in the help; a flag without one is a truth value. */
  readonly value?: string;
  readonly help: string;
}

/** A part of the help: flags that belong together. */
export interface FlagGroup {
  readonly title: string;
  readonly flags: { readonly [name in CaptureSettingName]?: FlagDescription };
}

/** The flags of capture settings, by subject. Their long names and defaults stand in mesh/redirect/capture-setting.ts. */
export const captureFlagGroups: readonly FlagGroup[] = [
  {
    title: "Inbound traffic:",
    flags: {
      inboundPorts: { short: "b", value: "<ports>", help: "ports to capture: a list, * for all, empty for none" },
      excludeInboundPorts: { short: "d", value: "<ports>", help: "ports to leave alone, with -b '*'" },
      mode: { short: "m", value: "<mode>", help: "how: REDIRECT (by NAT) or TPROXY (addresses unchanged)" },
      tproxyMark: { short: "t", value: "<mark>", help: "the mark of packets that TPROXY captures" },
      tproxyRouteTable: { short: "r", value: "<table>", help: "the routing table of those packets" },
    },
  },
  {
    title: "Outbound traffic:",
    flags: {
      outboundCidrs: {
        short: "i",
        value: "<cidrs>",
        help: "destinations to capture: CIDRs, * for all, empty for none",
      },
      excludeOutboundCidrs: { short: "x", value: "<cidrs>", help: "destinations to leave alone" },
      outboundPorts: { short: "q", value: "<ports>", help: "ports to capture whatever the destination is" },
      excludeOutboundPorts: { short: "o", value: "<ports>", help: "ports to leave alone, TCP and UDP" },
      ownerGroups: { value: "<groups>", help: "groups whose traffic is captured: ids or names, * for all" },
      excludeOwnerGroups: { value: "<groups>", help: "groups whose traffic is left alone, with all others captured" },
      loopback: { value: "<cidr>", help: "the IPv4 range that counts as loopback" },
      outboundChain: {
        value: "<name>",
        help: "the outbound chain's name: ISTIO_OUTBOUND, or ISTIO_OUTPUT as in Istio",
      },
    },
  },
  {
    title: "DNS:",
    flags: {
      redirectDns: { help: "capture DNS to the servers of /etc/resolv.conf" },
      captureAllDns: { help: "with --redirect-dns: capture DNS to any server" },
    },
  },
  {
    title: "The proxy:",
    flags: {
      outboundPort: { short: "p", value: "<port>", help: "where it takes outbound traffic" },
      inboundPort: { short: "z", value: "<port>", help: "where it takes inbound traffic" },
      tunnelPort: { short: "e", value: "<port>", help: "its HBONE port, which is never captured" },
      proxyUids: { short: "u", value: "<uids>", help: "its users (default: $ENVOY_USER, istio-proxy, else 1337)" },
      proxyGids: { short: "g", value: "<gids>", help: "its groups (default: as its users)" },
    },
  },
  {
    title: "Interfaces and families:",
    flags: {
      excludeInterfaces: { short: "c", value: "<names>", help: "interfaces whose traffic is left alone" },
      virtualInterfaces: { short: "k", value: "<names>", help: "interfaces of virtual machines, captured as outbound" },
      dualStack: { help: "capture IPv6 also where IPv4 is there" },
      dropInvalid: { help: "drop packets that connection tracking finds invalid" },
    },
  },
];
