import { annotations, labels as names, systemNamespaces } from "../mesh/names.ts";
import type { Labels, Pod } from "../mesh/pod.ts";
import type { LabelSelector } from "../mesh/selector.ts";
import { describeRequirement, isEmptySelector, labelValue, requirementsOf, selectorMatches } from "../mesh/selector.ts";

/** What the decision depends on besides the Pod. */
export interface DecisionContext {
  /** The namespace that the Pod is created in; it stands in for an empty one in the Pod. */
  readonly namespace: string;
  /** `enabled`: inject what is not opted out; `disabled`: inject only what asks for it; anything else: nothing. */
  readonly policy: string;
  readonly neverInjectSelector: readonly LabelSelector[];
  readonly alwaysInjectSelector: readonly LabelSelector[];
}

export type InjectRule = "label" | "annotation" | "always-inject-selector" | "policy";
export type SkipRule = InjectRule | "host-network" | "ignored-namespace" | "never-inject-selector";

interface Because {
  /** One sentence for a person, without a full stop. */
  readonly reason: string;
  /** Where the author probably meant something else. */
  readonly warnings: readonly string[];
}

/** Whether a Pod gets a sidecar, and the one rule that says so. */
export type Decision =
  | (Because & { readonly inject: true; readonly rule: InjectRule })
  | (Because & { readonly inject: false; readonly rule: SkipRule });

type Verdict = { inject: true; rule: InjectRule; reason: string } | { inject: false; rule: SkipRule; reason: string };

/** The author's own wish: the label of the Pod if it has one, even an empty one, else the annotation. */
interface Choice {
  readonly from: "label" | "annotation";
  readonly value: string;
}

function choiceOf(pod: Pod): Choice | undefined {
  const label = labelValue(pod.metadata.labels ?? {}, names.inject);
  if (label !== undefined) return { from: "label", value: label };
  const annotation = labelValue(pod.metadata.annotations ?? {}, annotations.inject);
  return annotation === undefined ? undefined : { from: "annotation", value: annotation };
}

function describeSelector(selector: LabelSelector): string {
  return requirementsOf(selector).map(describeRequirement).join(",");
}

/** The first selector that matches. One without requirements matches nothing here. */
function firstMatch(selectors: readonly LabelSelector[], labels: Labels): string | undefined {
  const match = selectors.find((selector) => !isEmptySelector(selector) && selectorMatches(selector, labels));
  return match === undefined ? undefined : describeSelector(match);
}

function byChoice({ from, value }: Choice, policy: string): Verdict | undefined {
  if (value !== "true" && value !== "false") return undefined;
  const reason = `the Pod's ${from} ${names.inject} is "${value}"`;
  if (value === "false") return { inject: false, rule: from, reason };
  if (policy === "enabled" || policy === "disabled") return { inject: true, rule: from, reason };
  return { inject: false, rule: "policy", reason: `the policy "${policy}" injects nothing, not even on demand` };
}

function byDefaults(pod: Pod, context: DecisionContext): Verdict {
  const labels = pod.metadata.labels ?? {};
  const policyKnown = context.policy === "enabled" || context.policy === "disabled";
  if (!policyKnown) return { inject: false, rule: "policy", reason: `the policy "${context.policy}" injects nothing` };
  const never = firstMatch(context.neverInjectSelector, labels);
  if (never !== undefined) {
    return { inject: false, rule: "never-inject-selector", reason: `neverInjectSelector ${never} matches the Pod` };
  }
  const always = firstMatch(context.alwaysInjectSelector, labels);
  if (always !== undefined) {
    return { inject: true, rule: "always-inject-selector", reason: `alwaysInjectSelector ${always} matches the Pod` };
  }
  const inject = context.policy === "enabled";
  return { inject, rule: "policy", reason: `the policy is ${context.policy} and the Pod does not say otherwise` };
}

function verdict(pod: Pod, choice: Choice | undefined, context: DecisionContext): Verdict {
  if (pod.spec.hostNetwork === true) {
    return { inject: false, rule: "host-network", reason: "the Pod uses the node's own network (hostNetwork)" };
  }
  const namespace = pod.metadata.namespace || context.namespace;
  if (systemNamespaces.includes(namespace)) {
    return { inject: false, rule: "ignored-namespace", reason: `nothing is injected in the namespace ${namespace}` };
  }
  return (choice && byChoice(choice, context.policy)) ?? byDefaults(pod, context);
}

function choiceWarnings(pod: Pod, choice: Choice | undefined, inject: boolean): string[] {
  if (choice === undefined) return [];
  const warnings: string[] = [];
  const { from, value } = choice;
  if (value !== "true" && value !== "false" && value !== "") {
    const outcome = inject ? "the Pod is injected all the same" : "the Pod is not injected";
    warnings.push(`${from} ${names.inject}: "${value}" is neither "true" nor "false" and has no effect; ${outcome}`);
  }
  const annotation = labelValue(pod.metadata.annotations ?? {}, annotations.inject);
  if (from === "label" && annotation !== undefined && annotation !== value) {
    warnings.push(`annotation ${names.inject}: "${annotation}" has no effect, since the label "${value}" beats it`);
  }
  return warnings;
}

/**
 * Decides whether a Pod gets a sidecar. The rules are tried in order and the first one that applies decides: host
 * network, ignored namespace, the Pod's label or annotation, never-inject and always-inject selectors, policy.
 */
export function decide(pod: Pod, context: DecisionContext): Decision {
  const choice = choiceOf(pod);
  const decided = verdict(pod, choice, context);
  return { ...decided, warnings: choiceWarnings(pod, choice, decided.inject) };
}
