import { annotations, containers } from "../mesh/names.ts";
import type { Pod } from "../mesh/pod.ts";
import { annotationOf, labelOf } from "../mesh/pod-metadata.ts";
import { proxyId } from "../mesh/ports.ts";

/** Annotations that are read from a Pod's annotations only. */
const annotationPrefixes = ["traffic.sidecar.istio.io/", "status.sidecar.istio.io/", "proxy.istio.io/"];

/** Names that mean something as a label only. */
const labelNames = ["istio.io/rev", "istio-injection", "topology.istio.io/network", "security.istio.io/tlsMode"];

function misplaced(pod: Pod): string[] {
  const asLabels = Object.keys(pod.metadata.labels ?? {}).filter((name) =>
    annotationPrefixes.some((prefix) => name.startsWith(prefix)),
  );
  const status = annotationOf(pod, annotations.status);
  // istio.io/rev is written as an annotation by injection itself.
  const asAnnotations = status === undefined ? labelNames.filter((name) => annotationOf(pod, name) !== undefined) : [];
  return [
    ...asLabels.map((name) => `label ${name} has no effect: it must be an annotation`),
    ...asAnnotations.map((name) => `annotation ${name} has no effect: it must be a label`),
  ];
}

/** The user of the application's containers whose traffic would not be captured. */
function sharedUser(pod: Pod): string[] {
  const forPod = pod.spec.securityContext?.runAsUser;
  const shared = pod.spec.containers.filter(
    ({ name, securityContext }) => name !== containers.proxy && (securityContext?.runAsUser ?? forPod) === proxyId,
  );
  return shared.map(
    ({ name }) =>
      `container ${name} runs as user ${proxyId}, the proxy's: its traffic bypasses the mesh; use another one`,
  );
}

function loneResource(pod: Pod): string[] {
  const [cpu, memory, cpuLimit, memoryLimit] = [
    annotations.proxyCpu,
    annotations.proxyMemory,
    annotations.proxyCpuLimit,
    annotations.proxyMemoryLimit,
  ].map((name) => annotationOf(pod, name) !== undefined);
  const some = cpu || memory || cpuLimit || memoryLimit;
  if (!some || (cpu && memory && cpuLimit && memoryLimit)) return [];
  return [
    "an annotation about the proxy's CPU or memory replaces all the defaults: what the others would set is not set",
  ];
}

function shortImage(pod: Pod): string[] {
  const image = annotationOf(pod, annotations.proxyImage);
  if (image === undefined || image.includes("/")) return [];
  return [
    `annotation ${annotations.proxyImage}: "${image}" has no effect: an image here has a registry, such as example.com/envoy:1`,
  ];
}

function unreadTruth(pod: Pod): string[] {
  return [annotations.nativeSidecar, annotations.capNetBindService, annotations.rewriteAppHttpProbers].flatMap(
    (name) => {
      const value = annotationOf(pod, name);
      const odd = value !== undefined && value !== "" && !/^(true|false)$/.test(value);
      return odd ? [`annotation ${name}: "${value}" is neither "true" nor "false"`] : [];
    },
  );
}

/** What the author of an injected Pod probably meant otherwise. */
export function podWarnings(pod: Pod): string[] {
  const tls = labelOf(pod, "security.istio.io/tlsMode");
  const odd = tls !== undefined && tls !== "istio" && tls !== "disabled" && tls !== "";
  return [
    ...misplaced(pod),
    ...sharedUser(pod),
    ...loneResource(pod),
    ...shortImage(pod),
    ...unreadTruth(pod),
    ...(odd ? [`label security.istio.io/tlsMode: "${tls}" is neither "istio" nor "disabled"`] : []),
  ];
}
