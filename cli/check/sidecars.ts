import { certificateSignerOf } from "../../discovery/registry/certificate-signer.ts";
import { annotations, labels } from "../../mesh/names.ts";
import type { PodSpec } from "../../mesh/pod.ts";
import { getsSidecar } from "../../webhook/explain/flip.ts";
import type { Pod } from "../cluster/list.ts";
import { argumentsOf, flagsOf, type LiveRevision } from "../cluster/live-rulebooks.ts";
import type { Code, Finding } from "./finding.ts";
import { hasSidecar, type Snapshot } from "./snapshot.ts";

const proxyImageAnnotation = "sidecar.istio.io/proxyImage";
const revisionAnnotation = "istio.io/rev";
const mostNames = 5;

function runs({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed";
}

function shouldHaveSidecar({ revisions, namespaces }: Snapshot, pod: Pod): boolean {
  const name = pod.metadata.namespace ?? "";
  const found = namespaces.find(({ metadata }) => metadata.name === name)?.metadata.labels ?? {};
  const subject = { workload: pod.metadata.name, namespace: { name, labels: found }, object: pod };
  return revisions.some(({ rulebook }) => getsSidecar(subject, rulebook));
}

function proxyImageOf({ spec = {} }: Pod): string | undefined {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  return containers.find(({ name }) => name === "istio-proxy")?.image;
}

function isOutOfDate(pod: Pod, { deployment }: LiveRevision): boolean {
  const { proxyImage } = flagsOf(argumentsOf(deployment));
  if (proxyImage === undefined || pod.metadata.annotations?.[proxyImageAnnotation] !== undefined) return false;
  return proxyImageOf(pod) !== proxyImage;
}

/** Whether its key comes from discovery, where the kubelet would make that of a new one. */
function lacksPodCertificate({ metadata, spec }: Pod, { rulebook }: LiveRevision): boolean {
  const { podCertificateSigner } = rulebook.settings.envoy;
  if (metadata.labels?.[labels.tlsMode] !== "istio") return false;
  return podCertificateSigner !== undefined && certificateSignerOf({ spec: spec as PodSpec }) !== podCertificateSigner;
}

/** One finding a namespace, with some of the Pods' names. */
function grouped(code: Code, pods: readonly Pod[]): Finding[] {
  const byNamespace = Map.groupBy(pods, ({ metadata }) => metadata.namespace ?? "");
  return [...byNamespace].map(([namespace, found]) => {
    const names = found.slice(0, mostNames).map(({ metadata }) => metadata.name);
    const more = found.length > mostNames ? ` and ${found.length - mostNames} more` : "";
    return { code, object: `Namespace ${namespace}`, message: `Pods ${names.join(", ")}${more}` };
  });
}

/** The Pods that run: those without the sidecar they should have, and those with an old one. */
export function checkSidecars(snapshot: Snapshot): Finding[] {
  const { revisions } = snapshot;
  if (revisions.length === 0) return [];
  const running = snapshot.pods.filter(runs);
  const injected = running.filter((pod) => pod.metadata.annotations?.[annotations.status] !== undefined);
  const revisionOf = (pod: Pod) => {
    const name = pod.metadata.annotations?.[revisionAnnotation] ?? "default";
    return revisions.find((revision) => revision.name === name);
  };
  const isOfRevision = (pod: Pod, check: (pod: Pod, revision: LiveRevision) => boolean) => {
    const revision = revisionOf(pod);
    return revision !== undefined && check(pod, revision);
  };
  return [
    ...grouped(
      "OC601",
      running.filter((pod) => !hasSidecar(pod) && shouldHaveSidecar(snapshot, pod)),
    ),
    ...grouped(
      "OC602",
      injected.filter((pod) => isOfRevision(pod, isOutOfDate)),
    ),
    ...grouped(
      "OC604",
      snapshot.offersPodCertificates ? injected.filter((pod) => isOfRevision(pod, lacksPodCertificate)) : [],
    ),
    ...grouped(
      "OC603",
      injected.filter((pod) => revisionOf(pod) === undefined),
    ),
  ];
}
