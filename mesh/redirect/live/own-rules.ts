import { chainPrefix, chains } from "../../names.ts";
import { isBuiltIn, type Match } from "../rule.ts";
import { ownTrafficMark } from "../tproxy-numbers.ts";
import type { LiveChain, LiveRule, LiveTable } from "./live-rule.ts";

/** What of a table is the mesh's. */
export interface OwnPart {
  readonly table: string;
  /** The mesh's chains, with all their rules. */
  readonly chains: readonly LiveChain[];
  /** The mesh's rules in chains of others, such as PREROUTING, in the order in which they stand. */
  readonly rules: readonly OwnRule[];
}

export interface OwnRule {
  readonly chain: string;
  /** How many rules of others stand in front of it. */
  readonly behind: number;
  readonly rule: LiveRule;
}

export function isOwnChain(name: string): boolean {
  return name.startsWith(chainPrefix);
}

/** The interface of a rule that is nothing but `-i NAME -j RETURN` or `-o NAME -j RETURN`. */
function returnsFor({ matches, target, foreign }: LiveRule): { direction: "in" | "out"; name: string } | undefined {
  const [match, ...others] = matches;
  if (target?.kind !== "return" || foreign.length > 0 || others.length > 0) return undefined;
  if (match?.kind === "in-interface") return { direction: "in", name: match.name };
  return match?.kind === "out-interface" ? { direction: "out", name: match.name } : undefined;
}

function rulesOf(table: LiveTable, name: string): readonly LiveRule[] {
  return table.chains.find((chain) => chain.name === name)?.rules ?? [];
}

/** Whether a rule leads into a chain of the mesh's. */
export function jumpsToOwn({ target }: LiveRule): boolean {
  return target?.kind === "jump" && isOwnChain(target.chain);
}

function inInterface(matches: readonly Match[]): string | undefined {
  for (const match of matches) if (match.kind === "in-interface") return match.name;
  return undefined;
}

/**
 * The interfaces whose returns in built-in chains are the mesh's. Such a rule has no sign of its maker, so its company
 * tells: an excluded interface returns in both directions; what comes from a virtual one is also redirected or, where no
 * destination is captured, stands in front of all else.
 */
function ownInterfaces(table: LiveTable): { in: Set<string>; out: Set<string> } {
  const incoming = rulesOf(table, "PREROUTING");
  const outgoing = new Set(rulesOf(table, "OUTPUT").flatMap((rule) => returnsFor(rule)?.name ?? []));
  const returning = incoming.flatMap((rule) => returnsFor(rule)?.name ?? []);
  const excluded = returning.filter((name) => outgoing.has(name));
  const redirected = incoming.filter(jumpsToOwn).flatMap(({ matches }) => inInterface(matches) ?? []);
  const leading = incoming.findIndex((rule) => returnsFor(rule) === undefined);
  const first = incoming.slice(0, leading === -1 ? undefined : leading).flatMap((rule) => returnsFor(rule)?.name ?? []);
  const virtual = capturesDestinations(table) ? redirected : [...redirected, ...first];
  return { in: new Set([...excluded, ...virtual]), out: new Set(excluded) };
}

/** Whether some outbound chain redirects whole ranges of destinations, not just ports. */
function capturesDestinations(table: LiveTable): boolean {
  return table.chains.some(
    ({ name, rules }) =>
      isOwnChain(name) &&
      rules.some(
        ({ target, matches }) =>
          target?.kind === "jump" &&
          target.chain === chains.redirect &&
          matches.every(({ kind }) => kind === "destination" || kind === "family"),
      ),
  );
}

/** The marks that TPROXY rules of the mesh set and look for. */
function ownMarks(table: LiveTable): Set<number> {
  const own = table.chains.filter(({ name }) => isOwnChain(name)).flatMap(({ rules }) => rules);
  const marks = own.flatMap(({ target }) =>
    target?.kind === "set-mark" || target?.kind === "tproxy" ? [target.mark] : [],
  );
  const looked = own.flatMap(({ matches }) => matches.flatMap((match) => (match.kind === "mark" ? [match.mark] : [])));
  return new Set([...marks, ...looked]);
}

/** Whether a rule is one of those that TPROXY puts into built-in chains of mangle. */
function isTproxyRule({ matches, target, foreign }: LiveRule, marks: ReadonlySet<number>): boolean {
  if (foreign.length > 0) return false;
  const marked = matches.some(
    (match) => (match.kind === "mark" || match.kind === "connmark") && !match.negated && marks.has(match.mark),
  );
  if (target?.kind === "save-mark" || target?.kind === "restore-mark") return marked;
  const loopback = matches.some((match) => match.kind === "out-interface" && match.name === "lo");
  if (target?.kind === "return") return marked && loopback;
  const owned = matches.some(({ kind }) => kind === "owner");
  return target?.kind === "set-mark" && target.mark === ownTrafficMark && loopback && owned;
}

function isOwnRule(table: LiveTable): (rule: LiveRule) => boolean {
  const interfaces = ownInterfaces(table);
  const marks = ownMarks(table);
  return (rule) => {
    if (jumpsToOwn(rule)) return true;
    const returned = returnsFor(rule);
    if (returned !== undefined) return interfaces[returned.direction].has(returned.name);
    return table.name === "mangle" && isTproxyRule(rule, marks);
  };
}

/** What of a table is the mesh's; undefined when nothing is: then a rule that looks like one of ours is someone else's. */
export function ownPart(table: LiveTable): OwnPart | undefined {
  const own = table.chains.filter(({ name }) => isOwnChain(name));
  if (own.length === 0) return undefined;
  const isOwn = isOwnRule(table);
  const rules = table.chains
    .filter(({ name }) => !isOwnChain(name))
    .flatMap(({ name, rules: all }) => {
      const flags = all.map((rule) => (isBuiltIn(name) ? isOwn(rule) : jumpsToOwn(rule)));
      return all.flatMap((rule, index) =>
        flags[index] === true
          ? [{ chain: name, behind: flags.slice(0, index).filter((flag) => !flag).length, rule }]
          : [],
      );
    });
  return { table: table.name, chains: own, rules };
}

/** What of all tables is the mesh's. */
export function ownParts(tables: readonly LiveTable[]): OwnPart[] {
  return tables.flatMap((table) => ownPart(table) ?? []);
}
