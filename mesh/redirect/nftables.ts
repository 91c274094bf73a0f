import * as is from "./match.ts";
import { printExpression } from "./nftables-expression.ts";
import { chainOrder, hooks, nftChain, nftTable, nftTables } from "./nftables-layout.ts";
import { isBuiltIn, type Rule, type RuleSet, type Table } from "./rule.ts";

/**
 * The rules as nftables gets them. Tables are of the family inet, so IPv6 packets meet them even where only IPv4 is
 * captured: there the base chains let IPv6 go first of all. Invalid packets are dropped only if they are TCP, as Istio
 * does with nftables.
 */
export function nftablesRules({ families, rules }: RuleSet): Rule[] {
  const adapted = rules.map((rule) => {
    const invalid = rule.matches.some((match) => match.kind === "conntrack-state" && match.states.includes("INVALID"));
    return invalid ? { ...rule, matches: [is.tcp, ...rule.matches] } : rule;
  });
  if (families.includes("IPv6")) return adapted;
  const base = new Set(rules.filter(({ chain }) => isBuiltIn(chain)).map(({ table, chain }) => `${table} ${chain}`));
  const ipv6Return = (table: Table, chain: string): Rule => ({
    table,
    chain,
    families: ["IPv6"],
    position: 1,
    matches: [{ kind: "family", family: "IPv6" }],
    target: is.returns,
    reason: { setting: "dualStack", purpose: "IPv6 is not captured" },
  });
  const lets = nftTables.flatMap((table) =>
    ["PREROUTING", "OUTPUT"].filter((chain) => base.has(`${table} ${chain}`)).map((chain) => ipv6Return(table, chain)),
  );
  return [...adapted, ...lets];
}

/** Adds a rule; inserting needs a rule to stand in front of, so the first rule of a chain is added at its end. */
function printRules(rules: readonly Rule[]): string[] {
  const counts = new Map<string, number>();
  return rules.map((rule) => {
    const count = counts.get(rule.chain) ?? 0;
    counts.set(rule.chain, count + 1);
    const index = rule.position === "append" || rule.position > count ? undefined : rule.position - 1;
    const place = `rule inet ${nftTable(rule.table)} ${nftChain(rule.chain)}`;
    const command = index === undefined ? `add ${place}` : `insert ${place} index ${index}`;
    return `${command} ${printExpression(rule)}`;
  });
}

function declaredChains(table: Table, rules: readonly Rule[]): string[] {
  const jumped = rules.flatMap(({ target }) => (target.kind === "jump" ? [target.chain] : []));
  const used = new Set([...rules.map(({ chain }) => chain), ...jumped]);
  return chainOrder
    .filter((chain) => used.has(chain))
    .map((chain) => {
      const hook = hooks[table][chain];
      return `add chain inet ${nftTable(table)} ${nftChain(chain)}${hook === undefined ? "" : ` { ${hook} ; }`}`;
    });
}

/** The input of `nft -f -`, which nft applies as one transaction. */
export function printNftables(ruleSet: RuleSet): string {
  const all = nftablesRules(ruleSet);
  return nftTables
    .map((table) => ({ table, rules: all.filter((rule) => rule.table === table) }))
    .filter(({ rules }) => rules.length > 0)
    .flatMap(({ table, rules }) => [
      `add table inet ${nftTable(table)}`,
      `flush table inet ${nftTable(table)}`,
      ...declaredChains(table, rules),
      ...printRules(rules),
    ])
    .map((line) => `${line}\n`)
    .join("");
}
