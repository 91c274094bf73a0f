import { callingEntry } from "../../mesh/admission-entries.ts";
import type { Labels } from "../../mesh/pod.ts";
import { unmetRequirement } from "../../mesh/selector.ts";
import { entriesOf, type LiveRevision } from "../cluster/live-rulebooks.ts";
import type { Finding } from "./finding.ts";
import type { Snapshot } from "./snapshot.ts";

const nameLabel = "kubernetes.io/metadata.name";
const injection = "istio-injection";
const revisionLabel = "istio.io/rev";

function namespaceLabels(snapshot: Snapshot, name: string): Labels {
  const found = snapshot.namespaces.find(({ metadata }) => metadata.name === name);
  return { ...found?.metadata.labels, [nameLabel]: name };
}

/** Entries that select a namespace whatever label its Pods carry. */
function selectsNamespace(revision: LiveRevision, labels: Labels): boolean {
  return revision.rulebook.entries.some(
    ({ namespaceSelector }) => unmetRequirement(namespaceSelector, labels) === undefined,
  );
}

function ownNamespaceFindings(snapshot: Snapshot, { registrations, namespace }: LiveRevision): Finding[] {
  return registrations.flatMap((registration) => {
    const object = `MutatingWebhookConfiguration ${registration.metadata.name}`;
    const selects = (name: string) =>
      entriesOf([registration]).some(
        ({ namespaceSelector }) => unmetRequirement(namespaceSelector, namespaceLabels(snapshot, name)) === undefined,
      );
    return [
      ...(selects(namespace) ? [{ code: "OC401", object, message: `it selects ${namespace}` } as const] : []),
      ...(selects("kube-system") ? [{ code: "OC402", object, message: "it selects kube-system" } as const] : []),
    ];
  });
}

function namespaceFindings({ revisions }: Snapshot, name: string, labels: Labels): Finding[] {
  const object = `Namespace ${name}`;
  const called = revisions.filter(({ rulebook }) => callingEntry(rulebook.entries, { name, labels }, {}).called);
  const findings: Finding[] = [];
  if (called.length > 1) {
    const names = called.map((revision) => revision.name).join(" and ");
    findings.push({ code: "OC403", object, message: `revisions ${names} are both asked about its Pods` });
  }
  const asksForNobody = labels[injection] === undefined && labels[revisionLabel] !== undefined && called.length === 0;
  if (asksForNobody) {
    const message = `it asks for the revision ${labels[revisionLabel]}, which is not installed`;
    findings.push({ code: "OC404", object, message });
  }
  if (labels[injection] === "enabled" && called.length === 0) {
    findings.push({
      code: "OC404",
      object,
      message: "it is labelled istio-injection=enabled, and no default revision is installed",
    });
  }
  if (labels[injection] !== undefined && labels[revisionLabel] !== undefined) {
    findings.push({ code: "OC405", object, message: "it has both istio-injection and istio.io/rev" });
  }
  return findings;
}

/** Selectors: what they must not match, what two match, and what nobody matches. */
export function checkSelectors(snapshot: Snapshot): Finding[] {
  const { revisions, namespaces } = snapshot;
  const unused = revisions.filter(
    (revision) =>
      revision.name !== "default" &&
      !namespaces.some(
        ({ metadata }) =>
          [injection, revisionLabel].some((label) => metadata.labels?.[label] !== undefined) &&
          selectsNamespace(revision, namespaceLabels(snapshot, metadata.name)),
      ),
  );
  return [
    ...revisions.flatMap((revision) => ownNamespaceFindings(snapshot, revision)),
    ...namespaces.flatMap(({ metadata }) => namespaceFindings(snapshot, metadata.name, metadata.labels ?? {})),
    ...unused.map(
      ({ name }) => ({ code: "OC406", object: `revision ${name}`, message: "no namespace asks for it" }) as const,
    ),
  ];
}
