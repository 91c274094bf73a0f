import { annotations, containers, labels } from "../../mesh/names.ts";
import type { Owner } from "../../mesh/owner.ts";
import { ownerOf } from "../../mesh/owner.ts";
import type { Pod } from "../../mesh/pod.ts";
import { annotationOf, labelOf, withAnnotations } from "../../mesh/pod-metadata.ts";
import { ports } from "../../mesh/ports.ts";
import type { InjectionStatus } from "../pipeline/injection-status.ts";
import { proxyContainer } from "../pod-containers.ts";
import { withoutIstioNetwork } from "../profile/multus.ts";
import { canonicalLabels } from "../profile/template-metadata.ts";

/** Annotations for the node agent whose values say no more than the defaults. */
const nodeAgentDefaults: Readonly<Record<string, string>> = {
  [annotations.interceptionMode]: "REDIRECT",
  [annotations.includeOutboundIPRanges]: "*",
  [annotations.includeInboundPorts]: "*",
  [annotations.excludeInboundPorts]: String(ports.status),
};

/** Labels that injection would derive just so from what the author wrote, and the proxy's network. */
function injectedLabels(pod: Pod, injected: Pod, owner: Owner): string[] {
  const without = Object.fromEntries(
    Object.entries(pod.metadata.labels ?? {}).filter(
      ([name]) => name !== labels.canonicalName && name !== labels.canonicalRevision,
    ),
  );
  const plain = { ...pod, metadata: { ...pod.metadata, labels: without } };
  const derived: Record<string, string | undefined> = {
    ...canonicalLabels(plain, owner),
    [labels.tlsMode]: "istio",
    [labels.network]: proxyContainer(injected)?.env?.find(({ name }) => name === "ISTIO_META_NETWORK")?.value,
  };
  return Object.keys(derived).filter(
    (name) => labelOf(pod, name) !== undefined && labelOf(pod, name) === derived[name],
  );
}

function injectedAnnotations(pod: Pod, status: InjectionStatus): string[] {
  const [first] = pod.spec.containers.filter(({ name }) => name !== containers.proxy);
  const byDefault = [annotations.defaultContainer, annotations.defaultLogsContainer].filter(
    (name) => annotationOf(pod, name) === first?.name,
  );
  const underCni = status.initContainers.includes(containers.validation);
  const forNodeAgent = Object.keys(nodeAgentDefaults).filter(
    (name) => underCni && annotationOf(pod, name) === nodeAgentDefaults[name],
  );
  const proxyless = annotationOf(pod, annotations.templates)?.includes("grpc") === true;
  const keptProbes = proxyless && annotationOf(pod, annotations.rewriteAppHttpProbers) === "false";
  return [
    annotations.revision,
    ...byDefault,
    ...forNodeAgent,
    ...(keptProbes ? [annotations.rewriteAppHttpProbers] : []),
  ];
}

/** The Pod without the labels and annotations that injection added. One that the author wrote with the same value goes too. */
export function withoutInjectedMetadata(pod: Pod, injected: Pod, status: InjectionStatus, owner?: Owner): Pod {
  const gone = injectedLabels(pod, injected, owner ?? ownerOf(pod));
  const kept = Object.entries(pod.metadata.labels ?? {}).filter(([name]) => !gone.includes(name));
  const { labels: _labels, ...metadata } = pod.metadata;
  const labelled = {
    ...pod,
    metadata: kept.length === 0 ? metadata : { ...metadata, labels: Object.fromEntries(kept) },
  };
  return withAnnotations(labelled, {
    ...Object.fromEntries(injectedAnnotations(pod, status).map((name) => [name, undefined])),
    [annotations.networks]: withoutIstioNetwork(annotationOf(pod, annotations.networks)),
  });
}
