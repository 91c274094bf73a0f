import { chains } from "../../mesh/names.ts";

/** The chains that REDIRECT, what the demo's Pods use, is made of. */
export const countedChains = [chains.inbound, chains.inboundRedirect, chains.outbound, chains.redirect] as const;

/** How many packets have entered each of the capture chains; undefined for a chain that is not there. */
export type ChainCounters = Readonly<Record<(typeof countedChains)[number], number | undefined>>;

/** Reads `iptables-save -c`: what entered a chain is what its callers' rules have counted. */
export function chainCounters(save: string): ChainCounters {
  const counted = (chain: string) => {
    if (!new RegExp(`^:${chain} `, "m").test(save)) return undefined;
    const jumps = save.matchAll(new RegExp(`^\\[(\\d+):\\d+\\] .* -j ${chain}$`, "gm"));
    return [...jumps].reduce((sum, match) => sum + Number(match[1]), 0);
  };
  return Object.fromEntries(countedChains.map((chain) => [chain, counted(chain)])) as ChainCounters;
}
