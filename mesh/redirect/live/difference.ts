import type { Layout } from "../layout.ts";
import { isBuiltIn, type Rule } from "../rule.ts";
import { canonicalForm } from "./canonical.ts";
import type { LiveRule } from "./live-rule.ts";

/** One way in which the kernel's rules are not those that were compiled. */
export interface Difference {
  readonly kind: "missing" | "extra" | "order";
  readonly table: string;
  readonly chain: string;
  /** The rule's text; absent where a whole chain is missing, extra, or in another order. */
  readonly rule?: string;
}

/** What is in the kernel, as far as it is the mesh's: rules by table and chain, in order. */
export type LiveLayout = ReadonlyMap<string, ReadonlyMap<string, readonly LiveRule[]>>;

export interface Comparison {
  /** Whether each table holds the packets of one family (iptables) or of both (inet). */
  readonly within: "one-family" | "both-families";
  /** A compiled rule's text, for messages. */
  readonly print: (rule: Rule) => string;
}

/** A rule's form, for comparing; a live rule with parts that are not ours equals none of ours. */
function liveForm(rule: LiveRule, within: Comparison["within"]): string {
  const { matches, target, foreign, text } = rule;
  return target === undefined || foreign.length > 0 ? `foreign: ${text}` : canonicalForm({ matches, target }, within);
}

function without<T>(from: readonly T[], taken: readonly T[]): T[] {
  const left = [...taken];
  return from.filter((item) => {
    const index = left.indexOf(item);
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
}

function compareChain(
  place: { table: string; chain: string },
  compiled: readonly Rule[],
  live: readonly LiveRule[],
  { within, print }: Comparison,
): Difference[] {
  const texts = new Map([
    ...live.map((rule): [string, string] => [liveForm(rule, within), rule.text]),
    ...compiled.map((rule): [string, string] => [canonicalForm(rule, within), print(rule)]),
  ]);
  const wanted = compiled.map((rule) => canonicalForm(rule, within));
  const found = live.map((rule) => liveForm(rule, within));
  const told = (kind: "missing" | "extra") => (form: string) => ({ kind, ...place, rule: texts.get(form) ?? form });
  const differences = [...without(wanted, found).map(told("missing")), ...without(found, wanted).map(told("extra"))];
  if (differences.length > 0) return differences;
  return wanted.every((form, index) => form === found[index]) ? [] : [{ kind: "order", ...place }];
}

/** In what the kernel's rules differ from those that were compiled; empty when they are the same. */
export function differences(compiled: Layout, live: LiveLayout, comparison: Comparison): Difference[] {
  const tables = new Set<string>([...compiled.keys(), ...live.keys()]);
  return [...tables].flatMap((table) => {
    const wanted = new Map<string, readonly Rule[]>(compiled.get(table as "nat") ?? []);
    const found = live.get(table) ?? new Map<string, readonly LiveRule[]>();
    const names = new Set([...wanted.keys(), ...found.keys()]);
    return [...names].flatMap((chain) => {
      const place = { table, chain };
      const [rules, liveRules] = [wanted.get(chain), found.get(chain)];
      const own = !isBuiltIn(chain);
      if (own && rules !== undefined && liveRules === undefined) return [{ kind: "missing" as const, ...place }];
      if (own && rules === undefined && liveRules !== undefined) return [{ kind: "extra" as const, ...place }];
      return compareChain(place, rules ?? [], liveRules ?? [], comparison);
    });
  });
}
