import type { IpFamily } from "../../address.ts";
import { printRule } from "../iptables.ts";
import { iptablesLayout } from "../layout.ts";
import type { RuleSet } from "../rule.ts";
import { type Difference, differences, type LiveLayout } from "./difference.ts";
import type { LiveRule } from "./live-rule.ts";
import type { OwnPart } from "./own-rules.ts";

/** The mesh's rules in chains of others, by chain. */
function rulesByChain({ rules }: OwnPart): Map<string, LiveRule[]> {
  const chains = new Map<string, LiveRule[]>();
  for (const { chain, rule } of rules) chains.set(chain, [...(chains.get(chain) ?? []), rule]);
  return chains;
}

/** What of some tables is the mesh's, for comparing. */
export function ownLayout(parts: readonly OwnPart[]): LiveLayout {
  return new Map(
    parts.map((part) => [
      part.table,
      new Map([...part.chains.map(({ name, rules }) => [name, rules] as const), ...rulesByChain(part)]),
    ]),
  );
}

/** In what the mesh's rules of one family differ from those that a rule set makes. */
export function iptablesDifferences(ruleSet: RuleSet, family: IpFamily, parts: readonly OwnPart[]): Difference[] {
  // The sign of the number tells nothing here: `-A` and `-I` lead to the same place in a layout.
  const print = (rule: Parameters<typeof printRule>[0]) => printRule({ ...rule, position: "append" });
  return differences(iptablesLayout(ruleSet, family), ownLayout(parts), { within: "one-family", print });
}
