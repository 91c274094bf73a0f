import fastJsonPatch from "fast-json-patch";
import { callingEntry, type EntryCall } from "../../mesh/admission-entries.ts";
import { isObject } from "../../mesh/json.ts";
import { annotations, labels as names } from "../../mesh/names.ts";
import type { JsonObject, Labels } from "../../mesh/pod.ts";
import { admit } from "../admit.ts";
import type { Decision } from "../decide.ts";
import type { PatchOperation } from "../patch.ts";
import { smallestFlip } from "./flip.ts";
import { type RuleOutcome, ruleOutcomes } from "./rules.ts";
import type { Rulebook, Subject } from "./subject.ts";

/** What happens to a Pod when it is created, and why. */
export interface Explanation {
  readonly workload: string;
  readonly namespace: string;
  /** Whether the API server asks the webhook at all. */
  readonly call: EntryCall;
  /** What the webhook answers; undefined when it denies the Pod. */
  readonly decision: Decision | undefined;
  readonly rules: readonly RuleOutcome[];
  /** Everything for which the Pod is denied. */
  readonly denial: string | undefined;
  readonly outcome: "sidecar" | "no sidecar" | "denied";
  /** Whether it carries a sidecar already. */
  readonly injectedBefore: boolean;
  readonly before: JsonObject;
  /** The Pod with its sidecar; the same as before if nothing changes. */
  readonly after: JsonObject;
  readonly flip: readonly string[] | undefined;
  readonly notes: readonly string[];
}

function labelsOf(object: JsonObject): Labels {
  const metadata = isObject(object.metadata) ? object.metadata : {};
  return isObject(metadata.labels) ? (metadata.labels as Labels) : {};
}

function annotationsOf(object: JsonObject): Labels {
  const metadata = isObject(object.metadata) ? object.metadata : {};
  return isObject(metadata.annotations) ? (metadata.annotations as Labels) : {};
}

function patched(object: JsonObject, patch: readonly PatchOperation[]): JsonObject {
  const copy = structuredClone(object);
  return fastJsonPatch.applyPatch(copy, [...structuredClone(patch)]).newDocument;
}

/** What people believe, and what is not so. */
function notesOn(object: JsonObject, call: EntryCall): string[] {
  const annotation = annotationsOf(object)[annotations.inject];
  if (call.called || annotation !== "true") return [];
  return [
    `the annotation ${annotations.inject}: "true" cannot make the API server ask the webhook: it selects by labels. ` +
      `Set the label ${names.inject} instead`,
  ];
}

function outcomeOf(call: EntryCall, allowed: boolean, decision: Decision | undefined): Explanation["outcome"] {
  if (!call.called) return "no sidecar";
  if (!allowed) return "denied";
  return decision?.inject ? "sidecar" : "no sidecar";
}

/**
 * Explains what happens to a Pod when it is created, with the webhook's own functions.
 * @throws OutriggerError BAD_OBJECT when the object is no Pod
 */
export function explain(subject: Subject, rulebook: Rulebook): Explanation {
  const { settings, facts, entries } = rulebook;
  const object: JsonObject = isObject(subject.object) ? subject.object : {};
  const call = callingEntry(entries, subject.namespace, labelsOf(object));
  const { owner } = subject;
  const request = { namespace: subject.namespace.name, object, ...(owner && { owner }) };
  const admission = admit(request, settings, facts);
  const decision = admission.allowed ? admission.decision : undefined;
  const injects = call.called && admission.allowed && decision?.inject === true;
  return {
    workload: subject.workload,
    namespace: subject.namespace.name,
    call,
    decision,
    rules: decision === undefined ? [] : ruleOutcomes(decision),
    denial: admission.allowed ? undefined : admission.message,
    outcome: outcomeOf(call, admission.allowed, decision),
    injectedBefore: annotationsOf(object)[annotations.status] !== undefined,
    before: object,
    after: injects ? patched(object, admission.patch) : object,
    flip: admission.allowed ? smallestFlip(subject, rulebook) : undefined,
    notes: [...notesOn(object, call), ...admission.warnings],
  };
}
