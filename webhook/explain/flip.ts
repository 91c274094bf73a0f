import { callingEntry } from "../../mesh/admission-entries.ts";
import { isObject } from "../../mesh/json.ts";
import { labels as names } from "../../mesh/names.ts";
import type { JsonObject, Labels } from "../../mesh/pod.ts";
import { decide } from "../decide.ts";
import { readPod } from "../read-pod.ts";
import type { Rulebook, Subject } from "./subject.ts";

/** A change that a person can make, and the subject after it. */
interface Change {
  readonly text: string;
  readonly apply: (subject: Subject) => Subject;
}

function without(labels: Labels, name: string): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => key !== name));
}

function withPodLabels(subject: Subject, change: (labels: Labels) => Labels): Subject {
  const object = isObject(subject.object) ? subject.object : {};
  const metadata: JsonObject = isObject(object.metadata) ? object.metadata : {};
  const labels = change(isObject(metadata.labels) ? (metadata.labels as Labels) : {});
  return { ...subject, object: { ...object, metadata: { ...metadata, labels } } };
}

function withNamespaceLabels(subject: Subject, change: (labels: Labels) => Labels): Subject {
  return { ...subject, namespace: { ...subject.namespace, labels: change(subject.namespace.labels) } };
}

function ownNetwork(subject: Subject): Subject {
  const object = isObject(subject.object) ? subject.object : {};
  const { hostNetwork, ...spec } = isObject(object.spec) ? object.spec : {};
  return { ...subject, object: { ...object, spec } };
}

/** What people change, the least far-reaching first. */
function changes({ settings }: Rulebook, { namespace }: Subject): Change[] {
  const { revision } = settings;
  const podLabel = (name: string, value: string): Change => ({
    text: `set the Pod's label ${name}: "${value}"`,
    apply: (subject) => withPodLabels(subject, (labels) => ({ ...labels, [name]: value })),
  });
  const noPodLabel = (name: string): Change => ({
    text: `remove the Pod's label ${name}`,
    apply: (subject) => withPodLabels(subject, (labels) => without(labels, name)),
  });
  const namespaceLabel = (name: string, value: string): Change => ({
    text: `label the namespace ${namespace.name} ${name}=${value}`,
    apply: (subject) => withNamespaceLabels(subject, (labels) => ({ ...labels, [name]: value })),
  });
  const noNamespaceLabel = (name: string): Change => ({
    text: `remove the label ${name} of the namespace ${namespace.name}`,
    apply: (subject) => withNamespaceLabels(subject, (labels) => without(labels, name)),
  });
  return [
    noPodLabel(names.inject),
    podLabel(names.inject, "true"),
    podLabel(names.inject, "false"),
    noPodLabel(names.revision),
    podLabel(names.revision, revision),
    namespaceLabel(names.injection, "enabled"),
    namespaceLabel(names.revision, revision),
    noNamespaceLabel(names.injection),
    noNamespaceLabel(names.revision),
    { text: "run the Pod on its own network (no hostNetwork)", apply: ownNetwork },
  ];
}

/** Whether a Pod would end up with a sidecar: the API server calls, and we inject. */
export function getsSidecar({ namespace, object }: Subject, { entries, settings }: Rulebook): boolean {
  const pod = readPod(object);
  const labels = pod.metadata.labels ?? {};
  if (!callingEntry(entries, namespace, labels).called) return false;
  return decide(pod, { ...settings, namespace: namespace.name }).inject;
}

/** As many steps as anyone would follow. */
const mostSteps = 3;

/** The first combination of so many candidates, taken from `start` on, that turns the outcome around. */
function findSteps(
  candidates: readonly Change[],
  start: number,
  steps: number,
  subject: Subject,
  turned: (subject: Subject) => boolean,
): string[] | undefined {
  for (let index = start; index < candidates.length; index += 1) {
    const change = candidates[index];
    if (change === undefined) continue;
    const changed = change.apply(subject);
    if (steps === 1 && turned(changed)) return [change.text];
    const rest = steps > 1 ? findSteps(candidates, index + 1, steps - 1, changed, turned) : undefined;
    if (rest !== undefined) return [change.text, ...rest];
  }
  return undefined;
}

/**
 * The smallest change that turns the outcome around, as up to three steps. Undefined when none of the usual ones does.
 * Each is tried with the very functions that decide.
 */
export function smallestFlip(subject: Subject, rulebook: Rulebook): readonly string[] | undefined {
  const now = getsSidecar(subject, rulebook);
  const candidates = changes(rulebook, subject);
  for (let steps = 1; steps <= mostSteps; steps += 1) {
    const found = findSteps(candidates, 0, steps, subject, (changed) => getsSidecar(changed, rulebook) !== now);
    if (found !== undefined) return found;
  }
  return undefined;
}
