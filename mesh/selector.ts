import type { Problem } from "./errors.ts";
import type { Labels } from "./pod.ts";

/**
 * Kubernetes label selectors.
 * Rules: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}

export interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}

/** The selector's requirements in one form: `matchLabels` first, each as `In` of one value. */
export function requirementsOf(selector: LabelSelector): Requirement[] {
  const exact = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): Requirement => ({ key, operator: "In", values: [value] }),
  );
  return [...exact, ...(selector.matchExpressions ?? [])];
}

/** The label's value, or undefined; never what an object inherits. */
export function labelValue(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function holds({ key, operator, values = [] }: Requirement, labels: Labels): boolean {
  const value = labelValue(labels, key);
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** The first requirement that the labels do not meet; undefined means that the selector matches. */
export function unmetRequirement(selector: LabelSelector, labels: Labels): Requirement | undefined {
  return requirementsOf(selector).find((requirement) => !holds(requirement, labels));
}

/** Whether the labels meet every requirement. An empty selector matches everything, as in Kubernetes. */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  return unmetRequirement(selector, labels) === undefined;
}

/** Whether the selector has no requirement at all. */
export function isEmptySelector(selector: LabelSelector): boolean {
  return requirementsOf(selector).length === 0;
}

/** `sidecar.istio.io/inject notin (false)`, as kubectl writes it. */
export function describeRequirement({ key, operator, values = [] }: Requirement): string {
  switch (operator) {
    case "In":
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${values.join(",")})`;
    case "NotIn":
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
  }
}

const labelName = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const dnsSubdomain = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

/** Whether the text is a label key: an optional DNS prefix, `/`, and a name of at most 63 characters. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  const name = key.slice(slash + 1);
  return labelName.test(name) && (slash < 0 || dnsSubdomain.test(key.slice(0, slash)));
}

/** Whether the text is a label value: empty, or a name of at most 63 characters. */
export function isLabelValue(value: string): boolean {
  return value === "" || labelName.test(value);
}

/** What is wrong with a selector; empty when Kubernetes would accept it. `field` is the path for the problems. */
export function selectorProblems(selector: LabelSelector, field: string): Problem[] {
  return requirementsOf(selector).flatMap((requirement) => requirementProblems(requirement, field));
}

function requirementProblems({ key, operator, values = [] }: Requirement, field: string): Problem[] {
  const problems: Problem[] = [];
  if (!isLabelKey(key)) problems.push({ field, value: key, message: "is not a label key" });
  for (const value of values) {
    if (!isLabelValue(value)) problems.push({ field, value, message: `is not a label value of ${key}` });
  }
  const takesValues = operator === "In" || operator === "NotIn";
  if (takesValues && values.length === 0) {
    problems.push({ field, value: key, message: `has the operator ${operator} and no values` });
  }
  if (!takesValues && values.length > 0) {
    problems.push({ field, value: key, message: `has the operator ${operator}, which takes no values` });
  }
  return problems;
}
