import { basename, dirname } from "node:path/posix";
import { tokenAudience, tokenFile } from "../../mesh/envoy/discovery.ts";
import { labels } from "../../mesh/names.ts";
import type { EnvVar, Volume, VolumeMount } from "../../mesh/pod.ts";
import type { PodOptions } from "../pod-options.ts";
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

function fromLabel(name: string, label: string): EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${label}']` } } };
}

/** What request metrics say of the Pod itself. */
function telemetryEnv({ owner }: PodOptions): EnvVar[] {
  return [
    { name: "ISTIO_META_WORKLOAD_NAME", value: owner.name },
    fromLabel("CANONICAL_SERVICE", labels.canonicalName),
    fromLabel("CANONICAL_REVISION", labels.canonicalRevision),
  ];
}

/**
 * The label by which other sidecars know that this one takes mutual TLS; the Pod's token, for discovery alone, which the
 * kubelet renews and Envoy reads anew; and what metrics name.
 */
export function discoveryParts(options: PodOptions): DiscoveryParts {
  if (options.settings.envoy.discovery === undefined) return { labels: {}, env: [], volumes: [], volumeMounts: [] };
  const token = { audience: tokenAudience, expirationSeconds: tokenSeconds, path: basename(tokenFile) };
  return {
    labels: tlsModeLabel(options),
    env: telemetryEnv(options),
    volumes: [{ name: tokenVolume, projected: { sources: [{ serviceAccountToken: token }] } }],
    volumeMounts: [{ name: tokenVolume, mountPath: dirname(tokenFile), readOnly: true }],
  };
}
