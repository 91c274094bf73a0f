import { layoutOf } from "../layout.ts";
import { nftablesRules, nftFamily } from "../nftables.ts";
import { printExpression } from "../nftables-expression.ts";
import { hooks, nftTable, nftTables } from "../nftables-layout.ts";
import { isBuiltIn, type RuleSet } from "../rule.ts";
import { type Difference, differences, type LiveLayout } from "./difference.ts";
import type { LiveRule } from "./live-rule.ts";
import type { NftChain, NftTable } from "./nft-ruleset.ts";

const prefix = nftTable("nat").replace(/nat$/, "");

/** Whether a table of nftables is one that the mesh made for itself, whichever version of it. */
export function isOwnNftTable({ family, name }: NftTable): boolean {
  return ["inet", "ip", "ip6"].includes(family) && name.startsWith(prefix);
}

/** A chain's iptables name: `prerouting` is PREROUTING, `istio-in-redirect` is ISTIO_IN_REDIRECT. */
function iptablesChain(name: string): string {
  return name.toUpperCase().replaceAll("-", "_");
}

function renamed(rule: LiveRule): LiveRule {
  const { target } = rule;
  return target?.kind === "jump" ? { ...rule, target: { kind: "jump", chain: iptablesChain(target.chain) } } : rule;
}

/** The mesh's tables by the names that the compiler uses; a table of another name keeps it. */
export function nftLayout(tables: readonly NftTable[]): LiveLayout {
  return new Map(
    tables
      .filter(isOwnNftTable)
      .map(({ name, chains }) => [
        name.slice(prefix.length),
        new Map(chains.map((chain) => [iptablesChain(chain.name), chain.rules.map(renamed)])),
      ]),
  );
}

/** nft prints some priorities by name. */
const priorities: Readonly<Record<string, string>> = { raw: "-300", mangle: "-150", dstnat: "-100", filter: "0" };

function normalHook(hook: string | undefined): string | undefined {
  return hook?.replace(/priority (\w+)$/, (_, name: string) => `priority ${priorities[name] ?? name}`);
}

/** Base chains that hook into the kernel elsewhere than they should. */
function hookDifferences(tables: readonly NftTable[]): Difference[] {
  const wrong = (table: NftTable, { name, hook }: NftChain): Difference[] => {
    const known = nftTables.find((each) => nftTable(each) === table.name);
    const wanted = known === undefined ? undefined : hooks[known][iptablesChain(name)];
    if (known === undefined || normalHook(hook) === wanted || !isBuiltIn(iptablesChain(name))) return [];
    return [{ kind: "missing", table: table.name, chain: name, rule: wanted ?? "no hook" }];
  };
  return tables.filter(isOwnNftTable).flatMap((table) => table.chains.flatMap((chain) => wrong(table, chain)));
}

/** In what the mesh's tables differ from those that a rule set makes. */
export function nftDifferences(ruleSet: RuleSet, tables: readonly NftTable[]): Difference[] {
  const family = nftFamily(ruleSet);
  const compiled = layoutOf(nftablesRules(ruleSet));
  const within = family === "inet" ? "both-families" : "one-family";
  const live = nftLayout(tables.filter((table) => table.family === family));
  const stale = tables.filter((table) => isOwnNftTable(table) && table.family !== family);
  return [
    ...differences(compiled, live, { within, print: printExpression }),
    ...hookDifferences(tables),
    ...stale.map(({ family: other, name }) => ({ kind: "extra" as const, table: `${other} ${name}`, chain: "(all)" })),
  ];
}
