import { OutriggerError } from "../errors.ts";
import type { Match, RuleSet } from "./rule.ts";

function groupNames({ rules }: RuleSet): string[] {
  const names = rules.flatMap(({ matches }) =>
    matches.flatMap((match) => (match.kind === "owner" && typeof match.id === "string" ? [match.id] : [])),
  );
  return [...new Set(names)];
}

/**
 * The rules with groups by id, as the kernel keeps them, so that what is read back can be compared. `idOf` knows the
 * groups of the system that the rules are written on.
 * @throws OutriggerError BAD_CONFIGURATION with every name that is no group there
 */
export function withGroupIds(ruleSet: RuleSet, idOf: (name: string) => number | undefined): RuleSet {
  const known = new Map(groupNames(ruleSet).map((name) => [name, idOf(name)]));
  const unknown = [...known].filter(([, id]) => id === undefined).map(([name]) => name);
  if (unknown.length > 0) {
    const remedy = "use its id, or a name that /etc/group has";
    const problem = (name: string) => ({ field: "the group", value: name, message: "is not known here", remedy });
    throw new OutriggerError("BAD_CONFIGURATION", unknown.map(problem));
  }
  const byId = (match: Match): Match =>
    match.kind === "owner" ? { ...match, id: known.get(String(match.id)) ?? match.id } : match;
  return { ...ruleSet, rules: ruleSet.rules.map((rule) => ({ ...rule, matches: rule.matches.map(byId) })) };
}
