import { type AdmissionEntry, callingEntry } from "../../mesh/admission-entries.ts";
import type { JsonObject, ObjectMeta } from "../../mesh/pod.ts";
import { patched, podCreation, type ReviewSubject, readAnswer } from "./review.ts";

/** What admission did with a Pod. */
export type PodAdmission =
  /** No webhook entry selects it: the webhook never saw it. */
  | { readonly outcome: "not-called"; readonly reasons: readonly string[]; readonly object: JsonObject }
  | {
      readonly outcome: "admitted";
      readonly entry: string;
      /** The webhook's own words: `inject` or `skip`, and the rule that decided. */
      readonly decision: string;
      readonly rule: string;
      readonly warnings: readonly string[];
      readonly object: JsonObject;
    }
  | { readonly outcome: "denied"; readonly entry: string; readonly message: string };

export interface AdmissionSettings {
  readonly entries: readonly AdmissionEntry[];
  readonly namespaceLabels: (namespace: string) => Readonly<Record<string, string>>;
  /** Posts an AdmissionReview to the webhook. */
  readonly call: (body: string) => Promise<string>;
}

function denial(entry: string, message: string): PodAdmission {
  return { outcome: "denied", entry, message };
}

async function review(entry: string, subject: ReviewSubject, settings: AdmissionSettings): Promise<PodAdmission> {
  try {
    const answer = readAnswer(await settings.call(JSON.stringify(podCreation(subject))), subject.uid);
    if (!answer.allowed) {
      const message = answer.status?.message ?? "without explanation";
      return denial(entry, `admission webhook "${entry}" denied the request: ${message}`);
    }
    const { decision = "unknown", rule = "unknown" } = answer.auditAnnotations;
    const { warnings } = answer;
    return { outcome: "admitted", entry, decision, rule, warnings, object: patched(subject.object, answer) };
  } catch (error) {
    // failurePolicy: Fail
    return denial(entry, `failed calling webhook "${entry}": ${(error as Error).message}`);
  }
}

/** Takes a new Pod through admission as the API server does: by the first entry whose selectors match, or by none. */
export async function admitPod(subject: ReviewSubject, settings: AdmissionSettings): Promise<PodAdmission> {
  const namespace = { name: subject.namespace, labels: settings.namespaceLabels(subject.namespace) };
  const { labels = {} } = (subject.object.metadata ?? {}) as ObjectMeta;
  const call = callingEntry(settings.entries, namespace, labels);
  if (call.called) return await review(call.entry.name, subject, settings);
  return { outcome: "not-called", reasons: call.reasons.map(({ text }) => text), object: subject.object };
}
