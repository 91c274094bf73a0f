import { describeProblem, OutriggerError, type Problem } from "../mesh/errors.ts";
import type { JsonObject, Pod } from "../mesh/pod.ts";
import { type Decision, decide } from "./decide.ts";
import { inject } from "./inject.ts";
import { jsonPatch, type PatchOperation } from "./patch.ts";
import { readPod } from "./read-pod.ts";
import type { InjectionSettings } from "./settings.ts";

/** What the core takes from an AdmissionReview's request. */
export interface AdmissionRequest {
  /** The namespace that the Pod is created in; the Pod itself may name none. */
  readonly namespace: string;
  /** The Pod as raw JSON. */
  readonly object: unknown;
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

function denial({ problems }: OutriggerError, revision: string): Admission {
  const message = problems.map(describeProblem).join("; ");
  const auditAnnotations = { decision: "deny", rule: "invalid", revision } as const;
  return { allowed: false, message, problems, warnings: [], auditAnnotations };
}

function admitPod(pod: Pod, request: AdmissionRequest, settings: InjectionSettings): Admission {
  const { revision } = settings;
  const decision = decide(pod, { ...settings, namespace: request.namespace });
  const { rule, warnings } = decision;
  if (!decision.inject) {
    return { allowed: true, decision, patch: [], warnings, auditAnnotations: { decision: "skip", rule, revision } };
  }
  const patch = jsonPatch(request.object as JsonObject, inject(pod, settings));
  return { allowed: true, decision, patch, warnings, auditAnnotations: { decision: "inject", rule, revision } };
}

/**
 * Answers one admission request: decide, inject, and make the patch. A Pod that cannot be injected as its author asked
 * is denied with everything that is wrong with it; the function throws for defects of ours only.
 */
export function admit(request: AdmissionRequest, settings: InjectionSettings): Admission {
  try {
    return admitPod(readPod(request.object), request, settings);
  } catch (error) {
    if (error instanceof OutriggerError) return denial(error, settings.revision);
    throw error;
  }
}
