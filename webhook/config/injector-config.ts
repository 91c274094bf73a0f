import * as v from "valibot";
import { describeProblem, type Problem } from "../../mesh/errors.ts";
import { checked } from "../../mesh/schema-problems.ts";
import { type LabelSelector, selectorProblems } from "../../mesh/selector.ts";
import type { Values } from "./values.ts";
import { injectorFields } from "./values.ts";

/**
 * The key `config` of the ConfigMap `istio-sidecar-injector`. The key `template` is a decoy for injectors of long ago
 * and is not read.
 */
const injectorConfigSchema = v.looseObject({ policy: v.optional(v.string()), ...injectorFields });

export interface InjectorConfig {
  readonly policy: string;
  readonly alwaysInjectSelector: readonly LabelSelector[];
  readonly neverInjectSelector: readonly LabelSelector[];
  readonly injectedAnnotations: Readonly<Record<string, string>>;
  /** Text of the user's own templates, by name. */
  readonly templates: Readonly<Record<string, string>>;
  readonly defaultTemplates: readonly string[];
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  /** What was left out, and why. */
  readonly warnings: readonly string[];
}

/** The selectors that Kubernetes would accept, and a warning for each other one. */
function validSelectors(selectors: readonly LabelSelector[], field: string): [LabelSelector[], string[]] {
  const problems = selectors.map((selector, index) => selectorProblems(selector, `${field}[${index}]`));
  const valid = selectors.filter((_selector, index) => problems[index]?.length === 0);
  return [valid, problems.flat().map((problem: Problem) => `${describeProblem(problem)}; the selector is left out`)];
}

/**
 * Checks an injector's configuration. What it does not say stands in the values.
 * @throws OutriggerError BAD_CONFIGURATION with the path of every field that has the wrong form
 */
export function injectorConfig(given: unknown, values: Values, source = "injector config"): InjectorConfig {
  const config = checked(injectorConfigSchema, given ?? {}, source);
  const fromValues = values.sidecarInjectorWebhook;
  const first = <Item>(...lists: (readonly Item[])[]) => lists.find((list) => list.length > 0) ?? [];
  const always = first(config.alwaysInjectSelector ?? [], fromValues.alwaysInjectSelector ?? []);
  const never = first(config.neverInjectSelector ?? [], fromValues.neverInjectSelector ?? []);
  const [alwaysInjectSelector, alwaysWarnings] = validSelectors(
    always as readonly LabelSelector[],
    "alwaysInjectSelector",
  );
  const [neverInjectSelector, neverWarnings] = validSelectors(never as readonly LabelSelector[], "neverInjectSelector");
  return {
    policy: config.policy ?? values.global.proxy.autoInject,
    alwaysInjectSelector,
    neverInjectSelector,
    injectedAnnotations: { ...fromValues.injectedAnnotations, ...config.injectedAnnotations },
    templates: { ...fromValues.templates, ...config.templates },
    defaultTemplates: first(config.defaultTemplates ?? [], fromValues.defaultTemplates ?? []),
    aliases: { ...fromValues.aliases, ...config.aliases },
    warnings: [...alwaysWarnings, ...neverWarnings],
  };
}
