import { type Cidr, parseCidr } from "../cidr.ts";
import { chains } from "../names.ts";
import type { CaptureConfig } from "./config.ts";
import type { Owner } from "./match.ts";
import type { Family, Match, Rule, Table, Target } from "./rule.ts";

export const ownChains = { ...chains, divert: "ISTIO_DIVERT", tproxy: "ISTIO_TPROXY", drop: "ISTIO_DROP" } as const;
export const divertedMark = "1338";

export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new TypeError(`${text} is not a CIDR`);
  return parsed;
}

export const loopbackIpv6 = cidr("::1/128");
/** Envoy calls the application from these addresses, so that its own traffic is known. */
export const inboundSources = [cidr("127.0.0.6/32"), cidr("::6/128")];

export const loopbacks = (config: CaptureConfig): Cidr[] => [config.loopbackCidr, loopbackIpv6];

export function owners({ proxyUids, proxyGids }: CaptureConfig): Owner[] {
  const uids = proxyUids.map((id): Owner => ({ by: "uid", id }));
  return [...uids, ...proxyGids.map((id): Owner => ({ by: "gid", id }))];
}

/** A rule without its families, which follow from the addresses in it. */
export interface Draft {
  readonly table: Table;
  readonly chain: string;
  readonly matches: readonly Match[];
  readonly target: Target;
  readonly position: Rule["position"];
  readonly families?: readonly Family[];
}

export function rule(table: Table, chain: string, matches: readonly Match[], target: Target): Draft {
  return { table, chain, matches, target, position: "append" };
}

export function insert(
  table: Table,
  chain: string,
  position: number,
  matches: readonly Match[],
  target: Target,
): Draft {
  return { table, chain, matches, target, position };
}
