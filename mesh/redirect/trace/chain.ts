import { meets, type Packet } from "./packet.ts";
import type { TraceRule, TraceTables } from "./ruleset.ts";

export type Hook = "PREROUTING" | "OUTPUT";

/** A rule that a packet met, and what came of it. */
export interface Step {
  readonly hook: Hook;
  readonly table: string;
  readonly chain: string;
  readonly rule: TraceRule;
  /** What the rule did, or that it could not be followed. */
  readonly effect: "jump" | "return" | "accept" | "drop" | "redirect" | "tproxy" | "mark" | "zone" | "not-followed";
}

/** What a chain decides on a packet. */
export type Verdict =
  | { readonly kind: "continue" }
  | { readonly kind: "accept" }
  | { readonly kind: "drop" }
  | { readonly kind: "redirect"; readonly port: number }
  | { readonly kind: "tproxy"; readonly port: number };

/** What is left of a packet after a chain: its marks may have changed. */
export interface ChainResult {
  readonly verdict: Verdict;
  readonly packet: Packet;
  readonly steps: readonly Step[];
}

const longestChainOfJumps = 64;

interface Place {
  readonly hook: Hook;
  readonly table: string;
  readonly tables: TraceTables;
}

/** What a rule's target makes of the packet, besides ending the chain. */
function marked(packet: Packet, { target }: TraceRule): Packet {
  switch (target?.kind) {
    case "set-mark":
    case "tproxy":
      return { ...packet, mark: target.mark };
    case "save-mark":
      return { ...packet, connmark: packet.mark };
    case "restore-mark":
      return { ...packet, mark: packet.connmark };
    default:
      return packet;
  }
}

/** The end that a rule puts to the chain; undefined where the next rule is met. */
function endOf({ target }: TraceRule): { effect: Step["effect"]; verdict: Verdict } | undefined {
  switch (target?.kind) {
    case "return":
      return { effect: "return", verdict: { kind: "continue" } };
    case "accept":
    case "drop":
      return { effect: target.kind, verdict: { kind: target.kind } };
    case "redirect":
    case "tproxy":
      return { effect: target.kind, verdict: { kind: target.kind, port: target.port } };
    default:
      return undefined;
  }
}

const goOn: Verdict = { kind: "continue" };

/** What a rule without an end did. */
function effectOf({ target }: TraceRule): Step["effect"] {
  if (target?.kind === "jump") return "jump";
  return target?.kind === "conntrack-zone" ? "zone" : "mark";
}

/** Whether a trace can say what the rule does: it may have conditions or a target that are unknown here. */
function isKnown({ target, foreign }: TraceRule, { tables, table }: Place): boolean {
  if (target === undefined || !foreign.every((part) => part.startsWith("--comment"))) return false;
  return target.kind !== "jump" || tables.get(table)?.has(target.chain) === true;
}

/** What a rule that the packet meets makes of it; `ends` where the rest of the chain is not asked. */
function applyRule(place: Place, chain: string, rule: TraceRule, packet: Packet, depth: number) {
  const { hook, table } = place;
  const step = (effect: Step["effect"]): Step => ({ hook, table, chain, rule, effect });
  if (!isKnown(rule, place) || depth > longestChainOfJumps) {
    return { ends: false, verdict: goOn, packet, steps: [step("not-followed")] };
  }
  const end = endOf(rule);
  const after = marked(packet, rule);
  if (end !== undefined) return { ends: true, verdict: end.verdict, packet: after, steps: [step(end.effect)] };
  const own = [step(effectOf(rule))];
  if (rule.target?.kind !== "jump") return { ends: false, verdict: goOn, packet: after, steps: own };
  const inner = followChain(place, rule.target.chain, after, depth + 1);
  return { ...inner, ends: inner.verdict.kind !== "continue", steps: [...own, ...inner.steps] };
}

/** Follows a packet through a chain and those that it jumps to. */
export function followChain(place: Place, chain: string, start: Packet, depth = 0): ChainResult {
  let packet = start;
  const steps: Step[] = [];
  for (const rule of place.tables.get(place.table)?.get(chain) ?? []) {
    if (!rule.matches.every((match) => meets(packet, match))) continue;
    const result = applyRule(place, chain, rule, packet, depth);
    packet = result.packet;
    steps.push(...result.steps);
    if (result.ends) return { verdict: result.verdict, packet, steps };
  }
  return { verdict: goOn, packet, steps };
}
