import type { IpFamily } from "../address.ts";
import { chains } from "../names.ts";
import { ownChains, printRule, rulesByTable } from "./iptables.ts";
import { isOwnChain, type OwnPart } from "./live/own-rules.ts";
import type { RuleSet } from "./rule.ts";

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

/** What of a table stands, and what of it is to stand; either may be nothing. */
interface TableChange {
  readonly table: string;
  readonly before: OwnPart | undefined;
  readonly after: TableContent | undefined;
}

/**
 * The lines that lead a table from one to the other. Rules in others' chains go first: a chain that is jumped to stays. A
 * chain that is to stand again is emptied, not made anew: iptables-nft 1.8.9 leaves out `-N` of a chain that it saw, when
 * it has to start its transaction over because somebody else changed another table meanwhile.
 */
function changeLines({ before, after }: TableChange, more: readonly string[] = []): string[] {
  const stood = before?.chains.map(({ name }) => name) ?? [];
  const wanted = [...(after?.chains ?? []), ...more];
  return [
    ...(before?.rules ?? []).map(({ chain, rule }) => `-D ${chain} ${rule.text}`),
    ...stood.map((name) => `-F ${name}`),
    ...stood.filter((name) => !wanted.includes(name)).map((name) => `-X ${name}`),
    ...wanted.filter((name) => !stood.includes(name)).map((name) => `-N ${name}`),
    ...(after?.lines ?? []),
  ];
}

const guarded = ["PREROUTING", "OUTPUT"] as const;

/** Drops what might be captured: nothing passes unseen while one table has its new rules and another its old ones. */
const guardOn = [
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

/** The table whose first step also guards the others: raw is met first. Undefined where one step does it all. */
function guardingTable(changes: readonly TableChange[]): TableChange | undefined {
  const exchanged = changes.some(({ before }) => before) && changes.some(({ after }) => after) && changes.length > 1;
  if (!exchanged) return undefined;
  return changes.find(({ table }) => table === "raw") ?? changes.find(({ table }) => table === "mangle");
}

/**
 * The input of iptables-restore that leads from what was read to what is to be, in one run.
 *
 * Each table changes in one step of the kernel's. Where several change, the first step also drops everything that
 * might be captured, in a table that may do so, and the last one ends that. Where a guard is to stand again, as some run
 * that was cut short left it, its table goes first and nothing ends it.
 */
export function transition(before: readonly OwnPart[], after: readonly TableContent[]): string {
  const names = new Set([...after, ...before].map(({ table }) => table));
  const changes = [...names].map((table): TableChange => {
    const same = (each: { readonly table: string }) => each.table === table;
    return { table, before: before.find(same), after: after.find(same) };
  });
  const plain = (change: TableChange) => section(change.table, changeLines(change));
  const others = (first: TableChange) => changes.filter((change) => change !== first).map(plain);
  const left = changes.find((change) => change.after?.chains.includes(chains.guard));
  if (left !== undefined) return [plain(left), ...others(left)].join("");
  const guard = guardingTable(changes);
  if (guard === undefined) return changes.map(plain).join("");
  const first = section(guard.table, [...changeLines(guard, [chains.guard]), ...guardOn]);
  return [first, ...others(guard), section(guard.table, guardOff)].join("");
}

/** Whether the read parts hold more than a guard. */
export function hasRules(parts: readonly OwnPart[]): boolean {
  return parts.some(({ chains: own }) => own.some(({ name }) => isOwnChain(name) && name !== chains.guard));
}
