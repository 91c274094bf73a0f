import { containers } from "../../mesh/names.ts";
import type { Container, JsonObject } from "../../mesh/pod.ts";
import { ports } from "../../mesh/ports.ts";
import type { PodOptions } from "../pod-options.ts";
import type { PodOverlay } from "../template/template.ts";
import { proxyImage } from "./image.ts";
import { proxyArguments } from "./istio-arguments.ts";
import { agentEnv, applicationContainersEnv, memoryLimitEnv, uniqueEnv } from "./istio-env.ts";
import { pullSecrets } from "./istio-sidecar.ts";
import {
  agentData,
  authorityCertificate,
  credentialSocket,
  envoyConfiguration,
  podInformation,
  serviceAccountToken,
  workloadCertificates,
  workloadSocket,
} from "./istio-volumes.ts";
import { readinessProbe } from "./proxy-probes.ts";
import { canonicalLabels, revisionAnnotations } from "./template-metadata.ts";

/** A gateway listens on low ports without being root. */
const lowPorts = { sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "0" }] };

export function gatewaySecurityContext({ settings }: PodOptions): JsonObject {
  const { securityContext } = settings.values.gateways;
  return securityContext && Object.keys(securityContext).length > 0 ? securityContext : lowPorts;
}

/** The user that a gateway's container runs as, and how its system calls are filtered. */
export function gatewayContainerContext({ settings, ids }: PodOptions): JsonObject {
  const { seccompProfile } = settings.values.gateways;
  return {
    runAsGroup: ids.group,
    runAsUser: ids.user,
    ...(seccompProfile && Object.keys(seccompProfile).length > 0 && { seccompProfile }),
  };
}

function gatewayProxy(options: PodOptions, volumeMounts: Container["volumeMounts"] & {}): Container {
  const { imagePullPolicy } = options.settings.values.global;
  return {
    name: containers.proxy,
    image: proxyImage(options),
    args: proxyArguments(options, "router"),
    env: uniqueEnv(agentEnv(options, [memoryLimitEnv, applicationContainersEnv(options)])),
    ports: [{ containerPort: ports.prometheus, name: "http-envoy-prom", protocol: "TCP" }],
    resources: {},
    securityContext: gatewayContainerContext(options),
    volumeMounts,
    ...(imagePullPolicy !== "" && { imagePullPolicy }),
    ...readinessProbe(options, ports.health),
  };
}

/** The `gateway` template of the `istio` profile: istio-proxy is the application, and nothing is captured. */
export function istioGateway(options: PodOptions): PodOverlay {
  const [socket, credentials] = [workloadSocket, credentialSocket({ emptyDir: {} })];
  const certificates = workloadCertificates(options, { emptyDir: {} });
  const [authority, token] = [authorityCertificate(options), serviceAccountToken(options)];
  const mounts = [
    socket,
    credentials,
    certificates,
    ...authority,
    agentData,
    envoyConfiguration,
    token,
    podInformation,
  ];
  const volumes = [
    socket,
    credentials,
    certificates,
    envoyConfiguration,
    agentData,
    podInformation,
    token,
    ...authority,
  ];
  return {
    metadata: { labels: canonicalLabels(options.pod, options.owner), annotations: revisionAnnotations(options) },
    spec: {
      securityContext: gatewaySecurityContext(options),
      containers: [
        gatewayProxy(
          options,
          mounts.map(({ mount }) => mount),
        ),
      ],
      volumes: volumes.map(({ volume }) => volume),
      ...pullSecrets(options),
    },
  };
}
