import { istioOutboundChain } from "../names.ts";
import * as is from "./match.ts";
import { printExpression } from "./nftables-expression.ts";
import { chainOrder, hooks, nftChain, nftTable, nftTables } from "./nftables-layout.ts";
import type { Rule, RuleSet, Table } from "./rule.ts";

/** It drops invalid packets only if they are TCP, as Istio does with nftables. */
function onlyTcpIfInvalid(rule: Rule): Rule {
  const invalid = rule.matches.some((match) => match.kind === "conntrack-state" && match.states.includes("INVALID"));
  return invalid ? { ...rule, matches: [is.tcp, ...rule.matches] } : rule;
}

/** iptables' TPROXY drops a packet for which nobody listens; nft's lets it go on, to the application. */
function dropsWithoutListener(rule: Rule): Rule[] {
  if (rule.target.kind !== "tproxy") return [rule];
  const purpose = "while the proxy does not listen, what it should get is dropped";
  return [rule, { ...rule, target: is.drops, reason: { ...rule.reason, purpose } }];
}

/**
 * The rules as nftables gets them. With Istio's name for the outbound chain they are Istio's, which leave TPROXY open
 * while the proxy does not listen.
 */
export function nftablesRules({ rules }: RuleSet): Rule[] {
  const asIstio = rules.some(({ chain }) => chain === istioOutboundChain);
  const adapted = rules.map(onlyTcpIfInvalid);
  return asIstio ? adapted : adapted.flatMap(dropsWithoutListener);
}

/**
 * The family of the tables: `inet` meets packets of both. Where only IPv4 is captured it is `ip`, so that IPv6 packets
 * meet nothing of ours, not even connection tracking.
 */
export function nftFamily({ families }: RuleSet): "ip" | "inet" {
  return families.includes("IPv6") ? "inet" : "ip";
}

/** Adds a rule; inserting needs a rule to stand in front of, so the first rule of a chain is added at its end. */
function printRules(family: string, rules: readonly Rule[]): string[] {
  const counts = new Map<string, number>();
  return rules.map((rule) => {
    const count = counts.get(rule.chain) ?? 0;
    counts.set(rule.chain, count + 1);
    const index = rule.position === "append" || rule.position > count ? undefined : rule.position - 1;
    const place = `rule ${family} ${nftTable(rule.table)} ${nftChain(rule.chain)}`;
    const command = index === undefined ? `add ${place}` : `insert ${place} index ${index}`;
    return `${command} ${printExpression(rule)}`;
  });
}

function declaredChains(family: string, table: Table, rules: readonly Rule[]): string[] {
  const jumped = rules.flatMap(({ target }) => (target.kind === "jump" ? [target.chain] : []));
  const used = new Set([...rules.map(({ chain }) => chain), ...jumped]);
  return chainOrder
    .filter((chain) => used.has(chain))
    .map((chain) => {
      const hook = hooks[table][chain];
      return `add chain ${family} ${nftTable(table)} ${nftChain(chain)}${hook === undefined ? "" : ` { ${hook} ; }`}`;
    });
}

/** The input of `nft -f -`, which nft applies as one transaction. */
export function printNftables(ruleSet: RuleSet): string {
  const all = nftablesRules(ruleSet);
  const family = nftFamily(ruleSet);
  return nftTables
    .map((table) => ({ table, rules: all.filter((rule) => rule.table === table) }))
    .filter(({ rules }) => rules.length > 0)
    .flatMap(({ table, rules }) => [
      `add table ${family} ${nftTable(table)}`,
      `flush table ${family} ${nftTable(table)}`,
      ...declaredChains(family, table, rules),
      ...printRules(family, rules),
    ])
    .map((line) => `${line}\n`)
    .join("");
}
