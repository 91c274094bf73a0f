import { unmetRequirement } from "../../mesh/selector.ts";
import type { Registration, RegistrationEntry } from "../cluster/list.ts";
import type { Finding } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

/** A request has this long in all, as most clients have it. */
const requestLimitSeconds = 30;
const defaultTimeoutSeconds = 10;

interface OtherEntry {
  readonly registration: string;
  readonly entry: RegistrationEntry;
}

function seesPods({ rules = [] }: RegistrationEntry): boolean {
  return rules.some(
    ({ apiGroups = [], resources = [] }) =>
      (apiGroups.includes("") || apiGroups.includes("*")) &&
      resources.some((resource) => ["pods", "pods/*", "*", "*/*"].includes(resource)),
  );
}

function otherEntries({ registrations, revisions }: Snapshot): OtherEntry[] {
  const ours = new Set(revisions.flatMap((revision) => revision.registrations.map(({ metadata }) => metadata.name)));
  return registrations
    .filter(({ metadata }: Registration) => !ours.has(metadata.name))
    .flatMap(({ metadata, webhooks = [] }) => webhooks.map((entry) => ({ registration: metadata.name, entry })))
    .filter(({ entry }) => seesPods(entry));
}

function selects(snapshot: Snapshot, { namespaceSelector = {} }: RegistrationEntry, namespace: string): boolean {
  const found = snapshot.namespaces.find(({ metadata }) => metadata.name === namespace);
  const labels = { ...found?.metadata.labels, "kubernetes.io/metadata.name": namespace };
  return unmetRequirement(namespaceSelector, labels) === undefined;
}

function timeoutFindings(others: readonly OtherEntry[], { revisions }: Snapshot): Finding[] {
  const own = revisions[0]?.registrations[0]?.webhooks?.[0]?.timeoutSeconds ?? 0;
  const seconds = others.reduce((sum, { entry }) => sum + (entry.timeoutSeconds ?? defaultTimeoutSeconds), own);
  if (seconds <= requestLimitSeconds) return [];
  return [{ code: "OC502", object: "mutating webhooks for Pods", message: `their timeouts add up to ${seconds} s` }];
}

function deadlocks(snapshot: Snapshot, { registration, entry }: OtherEntry): Finding[] {
  if (entry.failurePolicy === "Ignore") return [];
  const object = `MutatingWebhookConfiguration ${registration}`;
  const findings: Finding[] = [];
  const ours = new Set(snapshot.revisions.map(({ namespace }) => namespace));
  for (const namespace of ours) {
    if (selects(snapshot, entry, namespace)) {
      findings.push({
        code: "OC503",
        object,
        message: `${entry.name} is asked about Pods of ${namespace}, with failurePolicy Fail`,
      });
    }
  }
  const own = entry.clientConfig?.service?.namespace;
  if (own !== undefined && selects(snapshot, entry, own)) {
    findings.push({ code: "OC504", object, message: `${entry.name} is asked about Pods of its own namespace ${own}` });
  }
  return findings;
}

/** Other webhooks that change Pods. */
export function checkOthers(snapshot: Snapshot): Finding[] {
  const others = otherEntries(snapshot);
  if (others.length === 0) return [];
  const names = [...new Set(others.map(({ registration }) => registration))].join(", ");
  return [
    { code: "OC501", object: "mutating webhooks for Pods", message: `besides Outrigger's there are ${names}` },
    ...timeoutFindings(others, snapshot),
    ...others.flatMap((other) => deadlocks(snapshot, other)),
  ];
}
