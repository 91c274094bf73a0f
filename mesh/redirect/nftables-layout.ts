import { chains, dnsChainSuffix, istioOutboundChain } from "../names.ts";
import type { Table } from "./rule.ts";

/** The order in which tables are written. */
export const nftTables: readonly Table[] = ["nat", "mangle", "raw"];

/** Where a table's base chains hook into the kernel. nft 1.0.6 knows no names for priorities on output. */
export const hooks: Readonly<Record<Table, Readonly<Record<string, string>>>> = {
  nat: {
    PREROUTING: "type nat hook prerouting priority -100",
    OUTPUT: "type nat hook output priority -100",
  },
  mangle: {
    PREROUTING: "type filter hook prerouting priority -150",
    OUTPUT: "type route hook output priority -150",
  },
  raw: {
    PREROUTING: "type filter hook prerouting priority -300",
    OUTPUT: "type filter hook output priority -300",
  },
};

/** The order in which chains are declared. */
export const chainOrder: readonly string[] = [
  "PREROUTING",
  "OUTPUT",
  chains.divert,
  chains.tproxy,
  chains.inbound,
  chains.redirect,
  chains.inboundRedirect,
  ...[chains.outbound, istioOutboundChain].flatMap((chain) => [chain, `${chain}${dnsChainSuffix}`]),
  chains.drop,
];

/** The name of a table of ours: one of its own, so that it is replaced and deleted without touching anyone else's. */
export function nftTable(table: Table): string {
  return `istio-proxy-${table}`;
}

/** The name of a chain in our tables. */
export function nftChain(chain: string): string {
  return chain.toLowerCase().replaceAll("_", "-");
}
