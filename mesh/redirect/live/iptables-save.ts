import { parseRuleWords, splitWords } from "./iptables-words.ts";
import type { LiveChain, LiveRule, LiveTable } from "./live-rule.ts";

/** What iptables-save (or ip6tables-save) prints, as tables. Lines that are neither table, chain nor rule are left out. */
export function parseIptablesSave(text: string): LiveTable[] {
  const tables: { name: string; chains: { name: string; rules: LiveRule[] }[] }[] = [];
  for (const line of text.split("\n")) {
    const table = tables.at(-1);
    const [, tableName] = /^\*\s*(\S+)$/.exec(line) ?? [];
    const [, chainName] = /^:(\S+) /.exec(line) ?? [];
    const [, ruleChain, rule] = /^(?:\[\d+:\d+\] )?-A (\S+) ?(.*)$/.exec(line) ?? [];
    if (tableName !== undefined) tables.push({ name: tableName, chains: [] });
    else if (chainName !== undefined) table?.chains.push({ name: chainName, rules: [] });
    else if (ruleChain !== undefined && rule !== undefined) {
      table?.chains.find(({ name }) => name === ruleChain)?.rules.push(parseRuleWords(splitWords(rule), rule));
    }
  }
  return tables;
}

/** A table's chain, if it has one of that name. */
export function chainOf(table: LiveTable | undefined, name: string): LiveChain | undefined {
  return table?.chains.find((chain) => chain.name === name);
}
