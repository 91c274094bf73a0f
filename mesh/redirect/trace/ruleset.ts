import type { IpFamily } from "../../address.ts";
import { printRule } from "../iptables.ts";
import { type Layout, layoutOf } from "../layout.ts";
import type { LiveLayout } from "../live/difference.ts";
import type { LiveRule, LiveTable } from "../live/live-rule.ts";
import type { NftTable } from "../live/nft-ruleset.ts";
import { nftLayout } from "../live/nftables-live.ts";
import { nftablesRules, nftFamily } from "../nftables.ts";
import { printExpression } from "../nftables-expression.ts";
import type { Match, Reason, Rule, RuleSet, Target } from "../rule.ts";

/** A rule as a trace needs it. */
export interface TraceRule {
  readonly matches: readonly Match[];
  readonly target: Target | undefined;
  /** Parts that cannot be followed. */
  readonly foreign: readonly string[];
  readonly text: string;
  /** Why it is there, where that is known. */
  readonly reason?: Reason;
}

/** One holder of rules: its tables with their chains. */
export type TraceTables = ReadonlyMap<string, ReadonlyMap<string, readonly TraceRule[]>>;

/** All rules that a packet of one family may meet: each holder's tables, in the order in which they are asked. */
export type TraceRuleSet = readonly TraceTables[];

function compiledTables(layout: Layout, print: (rule: Rule) => string): TraceTables {
  const traceRule = (rule: Rule): TraceRule => ({ ...rule, foreign: [], text: print(rule) });
  return new Map(
    [...layout].map(([table, chains]) => [
      table,
      new Map([...chains].map(([chain, rules]) => [chain, rules.map(traceRule)])),
    ]),
  );
}

/** The compiled rules that a packet of the family meets. */
export function compiledRuleSet(ruleSet: RuleSet, family: IpFamily, form: "iptables" | "nft"): TraceRuleSet {
  if (form === "nft") {
    if (family === "IPv6" && nftFamily(ruleSet) === "ip") return [];
    return [compiledTables(layoutOf(nftablesRules(ruleSet)), printExpression)];
  }
  const rules = ruleSet.rules.filter(({ families }) => families.includes(family));
  return [compiledTables(layoutOf(rules), (rule) => printRule({ ...rule, position: "append" }))];
}

function liveTables(layout: LiveLayout): TraceTables {
  return layout satisfies ReadonlyMap<string, ReadonlyMap<string, readonly LiveRule[]>>;
}

/** The rules of iptables-save, the mesh's and others'. */
export function savedRuleSet(tables: readonly LiveTable[]): TraceRuleSet {
  return [new Map(tables.map(({ name, chains }) => [name, new Map(chains.map((chain) => [chain.name, chain.rules]))]))];
}

/** The rules of the mesh's own tables of nftables that a packet of the family meets. */
export function nftRuleSet(tables: readonly NftTable[], family: IpFamily): TraceRuleSet {
  const met = family === "IPv4" ? ["inet", "ip"] : ["inet", "ip6"];
  return [liveTables(nftLayout(tables.filter((table) => met.includes(table.family))))];
}
