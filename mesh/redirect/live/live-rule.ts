import type { Match, Target } from "../rule.ts";

/** A rule as it was read from the kernel. */
export interface LiveRule {
  readonly matches: readonly Match[];
  /** Undefined for a target that Outrigger does not write. */
  readonly target: Target | undefined;
  /** Parts of the rule that Outrigger does not write; with any, the rule is not one of ours. */
  readonly foreign: readonly string[];
  /** The rule's text, without table and chain. */
  readonly text: string;
}

/** A chain as it was read from the kernel. */
export interface LiveChain {
  readonly name: string;
  readonly rules: readonly LiveRule[];
}

/** A table as it was read from the kernel. */
export interface LiveTable {
  readonly name: string;
  readonly chains: readonly LiveChain[];
}
