import { annotations } from "../../mesh/names.ts";
import type { Volume, VolumeMount } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import type { PodOptions } from "../pod-options.ts";

/** A volume of istio-proxy, where it is mounted, or both. */
export interface ProxyVolume {
  readonly volume: Volume;
  readonly mount: VolumeMount;
}

const memory = { emptyDir: { medium: "Memory" } };

function mounted(name: string, mountPath: string, source: Record<string, unknown>, readOnly = false): ProxyVolume {
  return { volume: { ...source, name }, mount: { mountPath, name, ...(readOnly && { readOnly }) } };
}

/** Where SPIFFE agents can put their socket: a volume without a source, which a template or the Pod can give. */
export const workloadSocket = mounted("workload-socket", "/var/run/secrets/workload-spiffe-uds", {});

/** Certificates of GKE's own authority, or a place for others. */
export function workloadCertificates({ settings }: PodOptions, source: Record<string, unknown>): ProxyVolume {
  const path = "/var/run/secrets/workload-spiffe-credentials";
  if (settings.values.global.caName !== "GkeWorkloadCertificate") return mounted("workload-certs", path, source);
  const driver = { csi: { driver: "workloadcertificates.security.cloud.google.com" } };
  return mounted("gke-workload-certificate", path, driver, true);
}

export function credentialSocket(source: Record<string, unknown>): ProxyVolume {
  return mounted("credential-socket", "/var/run/secrets/credential-uds", source);
}

/** The control plane's root certificate. */
export function authorityCertificate({ settings }: PodOptions): ProxyVolume[] {
  const { pilotCertProvider, trustBundleName } = settings.values.global;
  if (pilotCertProvider !== "istiod") return [];
  return [mounted("istiod-ca-cert", "/var/run/secrets/istio", { configMap: { name: trustBundleName } })];
}

export const revocationList = mounted("istio-ca-crl", "/var/run/secrets/istio/crl", {
  configMap: { name: "istio-ca-crl", optional: true },
});

export const agentData = mounted("istio-data", "/var/lib/istio/data", { emptyDir: {} });
export const envoyConfiguration = mounted("istio-envoy", "/etc/istio/proxy", memory);
export const grpcConfiguration = mounted("istio-xds", "/etc/istio/proxy", memory);

function downward(path: string, fieldPath: string): Record<string, unknown> {
  return { fieldRef: { fieldPath }, path };
}

export const podInformation = mounted("istio-podinfo", "/etc/istio/pod", {
  downwardAPI: { items: [downward("labels", "metadata.labels"), downward("annotations", "metadata.annotations")] },
});

/** The token that shows the control plane who the Pod is. */
export function serviceAccountToken({ settings }: PodOptions): ProxyVolume {
  const token = { audience: settings.values.global.sds.token.aud, expirationSeconds: 43200, path: "istio-token" };
  return mounted("istio-token", "/var/run/secrets/tokens", {
    projected: { sources: [{ serviceAccountToken: token }] },
  });
}

/** Certificates of the mesh mounted as files, where an older setup wants them. */
export function mountedCertificates({ settings, pod }: PodOptions): ProxyVolume[] {
  if (!settings.values.global.mountMtlsCerts) return [];
  const secretName = `istio.${pod.spec.serviceAccountName || "default"}`;
  return [mounted("istio-certs", "/etc/certs/", { secret: { optional: true, secretName } }, true)];
}

const customBootstrapFolder = "/etc/istio/custom-bootstrap";
export const customBootstrapFile = `${customBootstrapFolder}/custom_bootstrap.json`;

/** A bootstrap of the user's own, from a ConfigMap. */
export function customBootstrap({ pod }: PodOptions): ProxyVolume[] {
  const name = annotationOf(pod, annotations.bootstrapOverride);
  if (name === undefined) return [];
  return [mounted("custom-bootstrap-volume", customBootstrapFolder, { configMap: { name } })];
}

/** The user's own volumes and mounts, sorted by name. */
export function userVolumes({ userVolumes: volumes, userVolumeMounts: mounts }: PodOptions): {
  volumes: Volume[];
  mounts: VolumeMount[];
} {
  const sorted = <Item>(items: Readonly<Record<string, Item>>) =>
    Object.entries(items).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    volumes: sorted(volumes).map(([name, source]) => ({ ...source, name })),
    mounts: sorted(mounts).map(([name, mount]) => ({ ...mount, name })),
  };
}
