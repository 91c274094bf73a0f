import { describeProblem, OutriggerError, type Problem } from "../mesh/errors.ts";
import type { Owner } from "../mesh/owner.ts";
import type { JsonObject } from "../mesh/pod.ts";
import { validateAnnotations } from "./annotations/validate.ts";
import { type ClusterFacts, noClusterFacts } from "./cluster-facts.ts";
import { type Decision, decide } from "./decide.ts";
import type { InjectionContext } from "./injection-context.ts";
import { jsonPatch, type PatchOperation } from "./patch.ts";
import { urlEnvironment } from "./pipeline/cluster-env.ts";
import { inject } from "./pipeline/inject.ts";
import { readPod } from "./read-pod.ts";
import type { InjectionSettings } from "./settings.ts";
import { podWarnings } from "./warnings.ts";

/** What the core takes from an AdmissionReview's request. */
export interface AdmissionRequest {
  /** The namespace that the Pod is created in; the Pod itself may name none. */
  readonly namespace: string;
  /** The Pod as raw JSON. */
  readonly object: unknown;
  /** The URL's path that was called, which can set the proxy's environment: `/inject/cluster/east`. */
  readonly path?: string;
  /** The Pod's workload, where the caller knows it better than the Pod tells. */
  readonly owner?: Owner;
}

/** What is written into the API server's audit log, and into the metric's labels. */
export interface AuditAnnotations {
  readonly decision: "inject" | "skip" | "deny";
  /** The rule that decided; `invalid` when the Pod was denied. */
  readonly rule: string;
  readonly revision: string;
}

interface Answer {
  readonly warnings: readonly string[];
  readonly auditAnnotations: AuditAnnotations;
}

/** The answer to an admission request. A patch without operations means that nothing is to be changed. */
export type Admission =
  | (Answer & { readonly allowed: true; readonly decision: Decision; readonly patch: readonly PatchOperation[] })
  | (Answer & { readonly allowed: false; readonly message: string; readonly problems: readonly Problem[] });

/** More problems than a Pod has annotations with a form: the rest are items of one list. */
const mostProblems = 100;

function denial(error: OutriggerError, revision: string): Admission {
  const problems = error.problems.slice(0, mostProblems);
  const more = error.problems.length - problems.length;
  const message = [...problems.map(describeProblem), ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
  const auditAnnotations = { decision: "deny", rule: "invalid", revision } as const;
  return { allowed: false, message, problems, warnings: [], auditAnnotations };
}

function injectionContext({ namespace, path, owner }: AdmissionRequest, facts: ClusterFacts): InjectionContext {
  const urlEnv = path === undefined ? {} : urlEnvironment(path);
  return { namespace, urlEnv, facts, ...(owner && { owner }) };
}

function admitPod(request: AdmissionRequest, settings: InjectionSettings, facts: ClusterFacts): Admission {
  const pod = readPod(request.object);
  const { revision } = settings;
  const decision = decide(pod, { ...settings, namespace: request.namespace });
  const { rule } = decision;
  if (!decision.inject) {
    const { warnings } = decision;
    return { allowed: true, decision, patch: [], warnings, auditAnnotations: { decision: "skip", rule, revision } };
  }
  validateAnnotations(pod, settings);
  const injection = inject(pod, settings, injectionContext(request, facts));
  const warnings = [...decision.warnings, ...podWarnings(pod), ...injection.warnings];
  const patch = jsonPatch(request.object as JsonObject, injection.pod);
  return { allowed: true, decision, patch, warnings, auditAnnotations: { decision: "inject", rule, revision } };
}

/**
 * Answers one admission request: decide, inject, and make the patch. A Pod that cannot be injected as its author asked
 * is denied with everything that is wrong with it; the function throws for defects of ours only.
 */
export function admit(
  request: AdmissionRequest,
  settings: InjectionSettings,
  facts: ClusterFacts = noClusterFacts,
): Admission {
  try {
    return admitPod(request, settings, facts);
  } catch (error) {
    if (error instanceof OutriggerError) return denial(error, settings.revision);
    throw error;
  }
}
