import { formatAddress } from "../address.ts";
import { type Cidr, canonicalCidr, formatCidr } from "../cidr.ts";
import type { PortRange } from "../port-list.ts";
import type { CaptureConfig } from "./config.ts";
import type { StateDifference } from "./live/observed.ts";

function ports(ranges: readonly PortRange[]): string[] {
  return ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
}

/** The ranges as the kernel will hold them. */
function cidrs(ranges: readonly Cidr[]): string[] {
  return ranges.map((range) => formatCidr(canonicalCidr(range)));
}

/** A configuration as plain JSON: ranges in their canonical form. */
export function configJson(config: CaptureConfig) {
  const { inbound, outbound, dns } = config;
  return {
    ...config,
    inbound:
      inbound.capture === "none"
        ? inbound
        : inbound.capture === "all"
          ? { capture: "all", exclude: ports(inbound.exclude) }
          : { capture: "ports", ports: ports(inbound.ports) },
    outbound: {
      cidrs: outbound.cidrs === "all" ? "all" : cidrs(outbound.cidrs),
      excludeCidrs: cidrs(outbound.excludeCidrs),
      ports: ports(outbound.ports),
      excludePorts: ports(outbound.excludePorts),
    },
    dns: dns.capture === "servers" ? { capture: "servers", servers: dns.servers.map(formatAddress) } : dns,
    loopback: formatCidr(canonicalCidr(config.loopback)),
  };
}

/** `iptables-nft IPv4, table nat, chain OUTPUT: missing: -j ISTIO_OUTBOUND` */
export function describeDifference({ backend, family, table, chain, kind, rule }: StateDifference): string {
  if (backend === "routes") return `routes: ${kind}: ${rule}`;
  const place = `${backend}${family === undefined ? "" : ` ${family}`}, table ${table}, chain ${chain}`;
  if (rule !== undefined) return `${place}: ${kind}: ${rule}`;
  return kind === "order" ? `${place}: its rules stand in another order` : `${place}: the whole chain is ${kind}`;
}
