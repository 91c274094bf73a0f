import { labels as names, systemNamespaces } from "./names.ts";
import type { Labels } from "./pod.ts";
import type { LabelSelector, Requirement } from "./selector.ts";
import { describeRequirement, labelValue, unmetRequirement } from "./selector.ts";

/**
 * The entries of the MutatingWebhookConfiguration: which Pods the API server shows to the webhook. The same values make
 * the manifest, drive the sandbox and explain why a Pod was never seen.
 */
export interface AdmissionEntry {
  /** The entry's name in the webhook configuration. */
  readonly name: string;
  readonly namespaceSelector: LabelSelector;
  readonly objectSelector: LabelSelector;
}

export interface EntryOptions {
  /** The revision that the entries belong to: `default`, or a name. */
  readonly revision: string;
  /** Whether `istio-injection=enabled` means this revision: the default one, or the one tagged `default`. */
  readonly isDefault: boolean;
  /** Inject everywhere but in system namespaces, unless a label says no. Only for the default revision. */
  readonly enableNamespacesByDefault?: boolean;
}

const suffix = "sidecar-injector.istio.io";
/** The label that Kubernetes itself puts on each namespace. */
const namespaceNameLabel = "kubernetes.io/metadata.name";

const is = (key: string, ...values: string[]): Requirement => ({ key, operator: "In", values });
const isNot = (key: string, ...values: string[]): Requirement => ({ key, operator: "NotIn", values });
const isAbsent = (key: string): Requirement => ({ key, operator: "DoesNotExist" });
const all = (...matchExpressions: Requirement[]): LabelSelector => ({ matchExpressions });

const notOptedOut = isNot(names.inject, "false");
const namespaceWithoutChoice = [isAbsent(names.injection), isAbsent(names.revision)];

function revisionEntries(revision: string): AdmissionEntry[] {
  return [
    {
      name: `rev.namespace.${suffix}`,
      namespaceSelector: all(is(names.revision, revision), isAbsent(names.injection)),
      objectSelector: all(notOptedOut),
    },
    {
      name: `rev.object.${suffix}`,
      namespaceSelector: all(...namespaceWithoutChoice),
      objectSelector: all(notOptedOut, is(names.revision, revision)),
    },
  ];
}

const defaultEntries: readonly AdmissionEntry[] = [
  {
    name: `namespace.${suffix}`,
    namespaceSelector: all(is(names.injection, "enabled")),
    objectSelector: all(notOptedOut),
  },
  {
    name: `object.${suffix}`,
    namespaceSelector: all(...namespaceWithoutChoice),
    objectSelector: all(is(names.inject, "true"), isAbsent(names.revision)),
  },
];

const everywhereEntry: AdmissionEntry = {
  name: `auto.${suffix}`,
  namespaceSelector: all(...namespaceWithoutChoice, isNot(namespaceNameLabel, ...systemNamespaces)),
  objectSelector: all(isAbsent(names.inject), isAbsent(names.revision)),
};

/** The entries of one revision, in the order in which the API server tries them. */
export function admissionEntries(options: EntryOptions): AdmissionEntry[] {
  const entries = revisionEntries(options.revision);
  if (options.isDefault) entries.push(...defaultEntries);
  if (options.isDefault && options.enableNamespacesByDefault === true) entries.push(everywhereEntry);
  return entries;
}

/** Why an entry does not match: the selector's requirement that the labels do not meet. */
export interface EntryMiss {
  readonly entry: string;
  readonly of: "namespace" | "pod";
  readonly requirement: Requirement;
  /** `the namespace's labels do not meet istio-injection=enabled (istio-injection is "disabled")` */
  readonly text: string;
}

export type EntryCall =
  | { readonly called: true; readonly entry: AdmissionEntry }
  | { readonly called: false; readonly reasons: readonly EntryMiss[] };

function miss(entry: AdmissionEntry, of: EntryMiss["of"], requirement: Requirement, labels: Labels): EntryMiss {
  const value = labelValue(labels, requirement.key);
  const found = value === undefined ? `it has no label ${requirement.key}` : `${requirement.key} is "${value}"`;
  const text = `the ${of}'s labels do not meet ${describeRequirement(requirement)} (${found})`;
  return { entry: entry.name, of, requirement, text };
}

/**
 * The first entry by which the API server calls the webhook for a new Pod, or why none does. Annotations have no say
 * here: the API server selects by labels only.
 */
export function callingEntry(
  entries: readonly AdmissionEntry[],
  namespace: { readonly name: string; readonly labels?: Labels },
  podLabels: Labels,
): EntryCall {
  const namespaceLabels = { ...namespace.labels, [namespaceNameLabel]: namespace.name };
  const reasons: EntryMiss[] = [];
  for (const entry of entries) {
    const unmetByNamespace = unmetRequirement(entry.namespaceSelector, namespaceLabels);
    const unmetByPod = unmetRequirement(entry.objectSelector, podLabels);
    if (unmetByNamespace !== undefined) reasons.push(miss(entry, "namespace", unmetByNamespace, namespaceLabels));
    else if (unmetByPod !== undefined) reasons.push(miss(entry, "pod", unmetByPod, podLabels));
    else return { called: true, entry };
  }
  return { called: false, reasons };
}
