import type { IpFamily } from "../address.ts";
import { chains } from "../names.ts";
import { ownChains, printRule, rulesByTable } from "./iptables.ts";
import { isOwnChain, type OwnPart } from "./live/own-rules.ts";
import { isBuiltIn, type RuleSet } from "./rule.ts";

/** What a table is to hold of the mesh's: its chains, and lines of iptables-restore that fill them. */
export interface TableContent {
  readonly table: string;
  readonly chains: readonly string[];
  readonly lines: readonly string[];
}

/** What each table is to hold for a rule set. */
export function contentOf(ruleSet: RuleSet, family: IpFamily): TableContent[] {
  return [...rulesByTable(ruleSet, family)].map(([table, rules]) => ({
    table,
    chains: ownChains(rules),
    lines: rules.map(printRule),
  }));
}

/** What each table held when it was read, to put it back: rules stand in front of others' rules, or after them. */
export function contentOfOwn(parts: readonly OwnPart[]): TableContent[] {
  return parts.map(({ table, chains: own, rules }) => ({
    table,
    chains: own.map(({ name }) => name),
    lines: [
      ...own.flatMap(({ name, rules: inChain }) => inChain.map(({ text }) => `-A ${name} ${text}`)),
      ...rules.map(({ chain, behind, rule }, index) => {
        const number = 1 + rules.slice(0, index).filter((other) => other.chain === chain && other.behind === 0).length;
        return behind === 0 ? `-I ${chain} ${number} ${rule.text}` : `-A ${chain} ${rule.text}`;
      }),
    ],
  }));
}

/** The lines that take the mesh's rules and chains out of a table. Rules go first: a chain that is jumped to stays. */
function removal(part: OwnPart): string[] {
  return [
    ...part.rules.map(({ chain, rule }) => `-D ${chain} ${rule.text}`),
    ...part.chains.map(({ name }) => `-F ${name}`),
    ...part.chains.map(({ name }) => `-X ${name}`),
  ];
}

const guarded = ["PREROUTING", "OUTPUT"] as const;

/** Drops what might be captured: nothing passes unseen while one table has its new rules and another its old ones. */
const guardOn = [
  `-N ${chains.guard}`,
  `-A ${chains.guard} -p tcp -j DROP`,
  `-A ${chains.guard} -p udp --dport 53 -j DROP`,
  ...guarded.map((chain) => `-I ${chain} 1 -j ${chains.guard}`),
];

const guardOff = [
  ...guarded.map((chain) => `-D ${chain} -j ${chains.guard}`),
  `-F ${chains.guard}`,
  `-X ${chains.guard}`,
];

function section(table: string, lines: readonly string[]): string {
  return [`* ${table}`, ...lines, "COMMIT", ""].join("\n");
}

/**
 * The input of iptables-restore that leads from what was read to what is to be, in one run.
 *
 * Each table changes in one step of the kernel's. Where several change, the first step also drops everything that
 * might be captured, in a table that may do so, and the last one ends that.
 */
export function transition(before: readonly OwnPart[], after: readonly TableContent[]): string {
  const removed = new Map(before.map((part) => [part.table, removal(part)]));
  const added = new Map(
    after.map(({ table, chains: names, lines }) => [table, [...names.map((name) => `-N ${name}`), ...lines]]),
  );
  const tables = [...new Set([...added.keys(), ...removed.keys()])];
  const change = (table: string) => [...(removed.get(table) ?? []), ...(added.get(table) ?? [])];
  const guard = tables.find((table) => table === "raw") ?? tables.find((table) => table === "mangle");
  const exchanged = before.length > 0 && after.length > 0 && tables.length > 1;
  if (!exchanged || guard === undefined) return tables.map((table) => section(table, change(table))).join("");
  const others = tables.filter((table) => table !== guard).map((table) => section(table, change(table)));
  return [section(guard, [...change(guard), ...guardOn]), ...others, section(guard, guardOff)].join("");
}

/** Whether a read table has the guard of a run that was cut short. */
export function hasGuard(parts: readonly OwnPart[]): boolean {
  return parts.some(({ chains: own }) => own.some(({ name }) => name === chains.guard));
}

/** Whether the read parts hold more than a guard. */
export function hasRules(parts: readonly OwnPart[]): boolean {
  return parts.some(({ chains: own }) => own.some(({ name }) => isOwnChain(name) && name !== chains.guard));
}

/** Chains of others that hold jumps to the mesh's: worth a word when they are changed. */
export function foreignChainsOf(parts: readonly OwnPart[]): string[] {
  return [
    ...new Set(parts.flatMap(({ rules }) => rules.map(({ chain }) => chain)).filter((chain) => !isBuiltIn(chain))),
  ];
}
