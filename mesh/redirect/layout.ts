import type { IpFamily } from "../address.ts";
import { isBuiltIn, type Rule, type RuleSet, type Table } from "./rule.ts";

/** The rules of each chain in the order in which packets meet them. */
export type ChainLayout<R = Rule> = ReadonlyMap<string, readonly R[]>;

/** The chains of each table. */
export type Layout<R = Rule> = ReadonlyMap<Table, ChainLayout<R>>;

/** Puts rules where their positions say; a chain that is only jumped to is there and empty. */
function placeRules(rules: readonly Rule[]): ChainLayout {
  const chains = new Map<string, Rule[]>();
  const chainOf = (name: string) => {
    const known = chains.get(name) ?? [];
    chains.set(name, known);
    return known;
  };
  for (const rule of rules) {
    const chain = chainOf(rule.chain);
    if (rule.position === "append") chain.push(rule);
    else chain.splice(rule.position - 1, 0, rule);
    if (rule.target.kind === "jump" && !isBuiltIn(rule.target.chain)) chainOf(rule.target.chain);
  }
  return chains;
}

/** Where rules stand once they are all added. */
export function layoutOf(rules: readonly Rule[]): Layout {
  const tables = new Set(rules.map(({ table }) => table));
  return new Map([...tables].map((table) => [table, placeRules(rules.filter((rule) => rule.table === table))]));
}

/** Where the rules of one family stand once iptables-restore has added them. */
export function iptablesLayout({ rules }: RuleSet, family: IpFamily): Layout {
  return layoutOf(rules.filter(({ families }) => families.includes(family)));
}
