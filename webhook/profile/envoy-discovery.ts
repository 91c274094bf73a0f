import { basename, dirname } from "node:path/posix";
import { tokenAudience, tokenFile } from "../../mesh/envoy/discovery.ts";
import { podCertificate, podCertificateSource } from "../../mesh/envoy/pod-certificate.ts";
import { labels } from "../../mesh/names.ts";
import type { EnvVar, Volume, VolumeMount } from "../../mesh/pod.ts";
import type { PodOptions } from "../pod-options.ts";
import { otelResourceAttributes } from "./otel-attributes.ts";
import { tlsModeLabel } from "./template-metadata.ts";

/** What a Pod needs so that its sidecar can connect to the control plane. Nothing, where there is none. */
export interface DiscoveryParts {
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly EnvVar[];
  readonly volumes: Volume[];
  readonly volumeMounts: VolumeMount[];
}

const tokenVolume = "outrigger-token";
const tokenSeconds = 12 * 3600;

/** As long as discovery's own last, unless it is told otherwise. */
const certificateSeconds = 24 * 3600;

/** The key that the kubelet makes, with what discovery certifies of it. Its mode is the kubelet's to choose, as a token's. */
function certificateVolume(signerName: string | undefined): Pick<DiscoveryParts, "volumes" | "volumeMounts"> {
  if (signerName === undefined) return { volumes: [], volumeMounts: [] };
  const { volume: name, folder: mountPath } = podCertificate;
  const sources = [podCertificateSource(signerName, certificateSeconds)];
  return { volumes: [{ name, projected: { sources } }], volumeMounts: [{ name, mountPath, readOnly: true }] };
}

function fromLabel(name: string, label: string): EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${label}']` } } };
}

/** Whose spans a sidecar makes: by Istio's service name, unless an annotation of the Pod has another. */
function spanAttributes(options: PodOptions): string {
  const attributes = otelResourceAttributes(options);
  const hasName = attributes.startsWith("service.name=");
  const names = hasName ? [] : ["service.name=$(CANONICAL_SERVICE).$(POD_NAMESPACE)"];
  return [...names, attributes, "k8s.namespace.name=$(POD_NAMESPACE)", "k8s.pod.name=$(POD_NAME)"].join(",");
}

/** What request metrics and spans say of the Pod itself. The references are to what stands before them. */
function telemetryEnv(options: PodOptions): EnvVar[] {
  return [
    { name: "ISTIO_META_WORKLOAD_NAME", value: options.owner.name },
    fromLabel("CANONICAL_SERVICE", labels.canonicalName),
    fromLabel("CANONICAL_REVISION", labels.canonicalRevision),
    { name: "OTEL_RESOURCE_ATTRIBUTES", value: spanAttributes(options) },
  ];
}

/**
 * The label by which other sidecars know that this one takes mutual TLS; the Pod's token, for discovery alone, which the
 * kubelet renews and Envoy reads anew; its key and certificate, where the kubelet makes them; and what metrics name.
 */
export function discoveryParts(options: PodOptions): DiscoveryParts {
  if (options.settings.envoy.discovery === undefined) return { labels: {}, env: [], volumes: [], volumeMounts: [] };
  const certificate = certificateVolume(options.settings.envoy.podCertificateSigner);
  const token = { audience: tokenAudience, expirationSeconds: tokenSeconds, path: basename(tokenFile) };
  return {
    labels: tlsModeLabel(options),
    env: telemetryEnv(options),
    volumes: [{ name: tokenVolume, projected: { sources: [{ serviceAccountToken: token }] } }, ...certificate.volumes],
    volumeMounts: [{ name: tokenVolume, mountPath: dirname(tokenFile), readOnly: true }, ...certificate.volumeMounts],
  };
}
