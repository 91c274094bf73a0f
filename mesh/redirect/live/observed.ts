import type { IpFamily } from "../../address.ts";
import type { Backend, IptablesBackend } from "../backend.ts";
import type { Routes } from "../routes.ts";
import { noRules, type RuleSet } from "../rule.ts";
import type { Difference } from "./difference.ts";
import { iptablesDifferences } from "./iptables-live.ts";
import type { NftTable } from "./nft-ruleset.ts";
import { nftDifferences, nftLayout } from "./nftables-live.ts";
import type { OwnPart } from "./own-rules.ts";

/** What of a network namespace is the mesh's. */
export interface ObservedState {
  readonly iptables: Readonly<Record<IptablesBackend, Readonly<Record<IpFamily, readonly OwnPart[]>>>>;
  /** The mesh's own tables of nftables. */
  readonly nftables: readonly NftTable[];
  readonly routes: Routes;
}

/** A difference, and where it is. */
export interface StateDifference extends Difference {
  readonly backend: Backend | "routes";
  readonly family?: IpFamily;
}

export const iptablesBackends: readonly IptablesBackend[] = ["iptables-nft", "iptables-legacy"];
export const ipFamilies: readonly IpFamily[] = ["IPv4", "IPv6"];

/** The backends in which something of the mesh's stands. */
export function standingBackends({ iptables, nftables }: ObservedState): Backend[] {
  const standing: Backend[] = iptablesBackends.filter((backend) =>
    ipFamilies.some((family) => iptables[backend][family].length > 0),
  );
  return nftables.length > 0 ? [...standing, "nftables"] : standing;
}

function routeDifferences(wanted: Routes, found: Routes): StateDifference[] {
  const place = { backend: "routes", table: "routes", chain: "routes" } as const;
  const texts = ({ markRoutes, passthroughAddress }: Routes) => [
    ...markRoutes.map(
      ({ family, mark, table, withoutRoute }) =>
        `${family}: rule fwmark ${mark} lookup ${table}${withoutRoute === undefined ? "" : ", without a route there"}`,
    ),
    ...(passthroughAddress ? ["address ::6/128 on lo"] : []),
  ];
  const [wantedTexts, foundTexts] = [texts(wanted), texts(found)];
  return [
    ...wantedTexts
      .filter((text) => !foundTexts.includes(text))
      .map((rule) => ({ kind: "missing" as const, ...place, rule })),
    ...foundTexts
      .filter((text) => !wantedTexts.includes(text))
      .map((rule) => ({ kind: "extra" as const, ...place, rule })),
  ];
}

/** In what a namespace differs from what a rule set makes of it in one backend, with nothing of the mesh's elsewhere. */
export function stateDifferences(ruleSet: RuleSet, backend: Backend, observed: ObservedState): StateDifference[] {
  const iptables = iptablesBackends.flatMap((each) =>
    ipFamilies.flatMap((family) =>
      iptablesDifferences(each === backend ? ruleSet : noRules, family, observed.iptables[each][family]).map(
        (difference): StateDifference => ({ ...difference, backend: each, family }),
      ),
    ),
  );
  const nftables = nftDifferences(backend === "nftables" ? ruleSet : noRules, observed.nftables);
  return [
    ...iptables,
    ...nftables.map((difference): StateDifference => ({ ...difference, backend: "nftables" })),
    ...routeDifferences(ruleSet.routes, observed.routes),
  ];
}

/** The marks by which rules of the mesh tell packets apart. */
export function observedMarks({ iptables, nftables }: Omit<ObservedState, "routes">): Set<number> {
  const own = iptablesBackends.flatMap((backend) => ipFamilies.flatMap((family) => iptables[backend][family]));
  const rules = [
    ...own.flatMap((part) => [...part.chains.flatMap((chain) => chain.rules), ...part.rules.map(({ rule }) => rule)]),
    ...[...nftLayout(nftables).values()].flatMap((chains) => [...chains.values()].flat()),
  ];
  return new Set(
    rules.flatMap(({ matches, target }) => [
      ...matches.flatMap((match) => (match.kind === "mark" || match.kind === "connmark" ? [match.mark] : [])),
      ...(target?.kind === "set-mark" || target?.kind === "tproxy" ? [target.mark] : []),
    ]),
  );
}
