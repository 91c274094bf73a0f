import type { Container } from "../../mesh/pod.ts";
import type { PodOptions } from "../pod-options.ts";
import type { PodOverlay } from "../template/template.ts";
import { istioInit } from "./istio-init.ts";
import { istioProxy } from "./istio-proxy.ts";
import {
  agentData,
  authorityCertificate,
  credentialSocket,
  customBootstrap,
  envoyConfiguration,
  mountedCertificates,
  podInformation,
  revocationList,
  serviceAccountToken,
  userVolumes,
  workloadCertificates,
  workloadSocket,
} from "./istio-volumes.ts";
import { canonicalLabels, nodeAgentAnnotations, revisionAnnotations, tlsModeLabel } from "./template-metadata.ts";

/** Places istio-proxy: among the init containers if it is a native sidecar, else among the containers. */
export function placed(nativeSidecar: boolean, init: readonly Container[], proxy: Container): PodOverlay {
  if (nativeSidecar) return { initContainers: [...init, proxy] };
  return { ...(init.length > 0 && { initContainers: init }), containers: [proxy] };
}

/** Secrets to pull the sidecar's images with. */
export function pullSecrets({ settings }: PodOptions): PodOverlay {
  const { imagePullSecrets } = settings.values.global;
  return imagePullSecrets.length === 0 ? {} : { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) };
}

/** The `sidecar` template of the `istio` profile. */
export function istioSidecar(options: PodOptions): PodOverlay {
  const [socket, credentials] = [workloadSocket, credentialSocket({})];
  const certificates = workloadCertificates(options, {});
  const authority = authorityCertificate(options);
  const [token, bootstrap, older, own] = [
    serviceAccountToken(options),
    customBootstrap(options),
    mountedCertificates(options),
    userVolumes(options),
  ];
  // Mounts and volumes stand in two orders, as Istio writes them.
  const mounts = [socket, credentials, certificates, ...authority, revocationList, agentData, ...bootstrap];
  mounts.push(envoyConfiguration, token, ...older, podInformation);
  const volumes = [
    socket,
    credentials,
    certificates,
    ...bootstrap,
    envoyConfiguration,
    agentData,
    podInformation,
    token,
  ];
  volumes.push(...authority, revocationList, ...older);
  const proxy = {
    ...istioProxy(options),
    volumeMounts: [...mounts.map(({ mount }) => mount), ...own.mounts],
  } as Container;
  return {
    metadata: {
      labels: { ...tlsModeLabel(options), ...canonicalLabels(options.pod, options.owner) },
      annotations: { ...revisionAnnotations(options), ...nodeAgentAnnotations(options) },
    },
    spec: {
      ...placed(options.nativeSidecar, istioInit(options), proxy),
      volumes: [...volumes.map(({ volume }) => volume), ...own.volumes],
      ...pullSecrets(options),
    },
  };
}
