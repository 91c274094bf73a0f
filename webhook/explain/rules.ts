import type { Decision, SkipRule } from "../decide.ts";

/** The rules of `decide`, in the order in which it tries them. */
const order: readonly (readonly [rules: readonly SkipRule[], text: string])[] = [
  [["host-network"], "the Pod uses the node's own network"],
  [["ignored-namespace"], "the namespace is one of the system's"],
  [["label", "annotation"], "the Pod's label or annotation sidecar.istio.io/inject is true or false"],
  [["never-inject-selector"], "neverInjectSelector matches the Pod"],
  [["always-inject-selector"], "alwaysInjectSelector matches the Pod"],
  [["policy"], "the policy says what happens to the rest"],
];

/** A rule, and what came of it. */
export interface RuleOutcome {
  readonly rule: string;
  /** When it would apply. */
  readonly text: string;
  readonly outcome: "does not apply" | "decides" | "not reached";
}

/** Every rule in order, with the one that decided. A policy that injects nothing is asked first, as in `decide`. */
export function ruleOutcomes({ rule }: Decision): RuleOutcome[] {
  const decisive = order.findIndex(([rules]) => rules.includes(rule));
  return order.map(([rules, text], index) => {
    const name = rules.includes(rule) ? rule : rules.join(" or ");
    if (index === decisive) return { rule: name, text, outcome: "decides" };
    return { rule: name, text, outcome: index < decisive ? "does not apply" : "not reached" };
  });
}
