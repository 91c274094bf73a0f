import { annotations, labels } from "../../mesh/names.ts";
import type { Owner } from "../../mesh/owner.ts";
import type { Pod } from "../../mesh/pod.ts";
import { annotationOf, labelOf } from "../../mesh/pod-metadata.ts";
import { applicationContainers, type PodOptions } from "../pod-options.ts";
import { captureValues } from "./capture-arguments.ts";
import { withIstioNetwork } from "./multus.ts";

type Texts = Record<string, string>;

/** A label's value has at most 63 characters and does not end in a hyphen. */
function shortened(name: string): string {
  return name.slice(0, 63).replace(/^-+|-+$/g, "");
}

/** The service that telemetry attributes a Pod to, by Istio's labels, Kubernetes' recommended ones, or its owner. */
export function canonicalLabels(pod: Pod, owner: Owner): Texts {
  const name = ["app.kubernetes.io/name", "app"].map((label) => labelOf(pod, label)).find(Boolean) ?? owner.name;
  const revision = ["app.kubernetes.io/version", "version"].map((label) => labelOf(pod, label)).find(Boolean);
  return {
    [labels.canonicalName]: shortened(labelOf(pod, labels.canonicalName) || name),
    [labels.canonicalRevision]: labelOf(pod, labels.canonicalRevision) || revision || "latest",
  };
}

/** That other proxies can speak mutual TLS with this one, unless the Pod says otherwise. */
export function tlsModeLabel({ pod }: PodOptions): Texts {
  return { [labels.tlsMode]: labelOf(pod, labels.tlsMode) || "istio" };
}

/** Without a choice of the user's, kubectl shows the application, not the proxy. */
function defaultContainer(pod: Pod): Texts {
  const [first] = applicationContainers(pod);
  if (first === undefined) return {};
  const absent = [annotations.defaultLogsContainer, annotations.defaultContainer].filter(
    (name) => annotationOf(pod, name) === undefined,
  );
  return Object.fromEntries(absent.map((name) => [name, first]));
}

/** The revision, and which container kubectl means. */
export function revisionAnnotations({ pod, settings }: PodOptions): Texts {
  return { [annotations.revision]: settings.revision, ...defaultContainer(pod) };
}

/** What the node agent reads, which sees a Pod's annotations and nothing else of it. */
export function nodeAgentAnnotations(options: PodOptions): Texts {
  const { pod, settings } = options;
  if (!settings.values.pilot.cni.enabled) return {};
  const values = captureValues(options);
  const multus = settings.values.pilot.cni.provider === "multus";
  const set: Record<string, string | undefined> = {
    [annotations.networks]: multus ? withIstioNetwork(annotationOf(pod, annotations.networks)) : undefined,
    [annotations.interceptionMode]: options.mode,
    [annotations.includeOutboundIPRanges]: values.outboundCidrs?.text || undefined,
    [annotations.excludeOutboundIPRanges]: values.excludeOutboundCidrs?.text || undefined,
    [annotations.includeInboundPorts]: values.inboundPorts?.text,
    [annotations.excludeInboundPorts]: values.excludeInboundPorts?.text,
    [annotations.includeOutboundPorts]: values.outboundPorts?.text,
    [annotations.excludeOutboundPorts]: values.excludeOutboundPorts?.text,
  };
  return Object.fromEntries(Object.entries(set).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
