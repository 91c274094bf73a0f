import { containers } from "../../mesh/names.ts";
import type { Container, EnvVar, JsonObject, Pod } from "../../mesh/pod.ts";
import { ports, proxyId } from "../../mesh/ports.ts";
import type { InjectionSettings } from "../settings.ts";

/** What a profile adds to a Pod. */
export interface SidecarParts {
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
}

const excludedInboundPorts = [ports.prometheus, ports.health, ports.status].join(",");

const captureFlags: Readonly<Record<string, string>> = {
  "-p": String(ports.outbound),
  "-z": String(ports.inbound),
  "-u": String(proxyId),
  "-m": "REDIRECT",
  "-i": "*",
  "-x": "",
  "-b": "*",
  "-d": excludedInboundPorts,
};

/** Writes the capture rules before anything else of the Pod runs; the only part of it with a capability. */
function initContainer(settings: InjectionSettings): Container {
  return {
    name: containers.init,
    image: settings.envoy.initImage,
    args: ["init", ...Object.entries(captureFlags).flat()],
    resources: { limits: { cpu: "2", memory: "1Gi" }, requests: { cpu: "10m", memory: "40Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
    },
  };
}

function fromField(name: string, fieldPath: string): EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** Who this Envoy is. Kubernetes fills the variables in when the container starts. */
const identity = {
  env: [
    fromField("POD_NAME", "metadata.name"),
    fromField("POD_NAMESPACE", "metadata.namespace"),
    fromField("INSTANCE_IP", "status.podIP"),
  ],
  args: [
    "--service-node",
    "sidecar~$(INSTANCE_IP)~$(POD_NAME).$(POD_NAMESPACE)~$(POD_NAMESPACE).svc.cluster.local",
    "--service-cluster",
    "$(POD_NAME).$(POD_NAMESPACE)",
  ],
} as const;

const logFlags = ["--log-level", "warning", "--component-log-level", "misc:error"];
/** Access log lines reach the container's log within this time; hot restart has no use in a container. */
const processFlags = ["--concurrency", "2", "--file-flush-interval-msec", "250", "--disable-hot-restart"];

function readyProbe(periodSeconds: number, failureThreshold: number): JsonObject {
  return {
    httpGet: { path: "/healthz/ready", port: ports.health },
    periodSeconds,
    failureThreshold,
    timeoutSeconds: 3,
  };
}

/** A stock Envoy and nothing else: its whole configuration stands in its arguments. */
function proxyContainer(settings: InjectionSettings): Container {
  return {
    name: containers.proxy,
    image: settings.envoy.proxyImage,
    command: ["/usr/local/bin/envoy"],
    args: ["--config-yaml", settings.envoy.bootstrap, ...identity.args, ...logFlags, ...processFlags],
    env: [...identity.env],
    ports: [{ name: "http-envoy-prom", containerPort: ports.prometheus, protocol: "TCP" }],
    readinessProbe: readyProbe(15, 4),
    startupProbe: readyProbe(1, 600),
    resources: { limits: { cpu: "2", memory: "1Gi" }, requests: { cpu: "100m", memory: "128Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: proxyId,
      runAsNonRoot: true,
      runAsUser: proxyId,
    },
  };
}

/** The `envoy` profile: istio-init writes the rules, istio-proxy is a stock Envoy. */
export function envoySidecar(_pod: Pod, settings: InjectionSettings): SidecarParts {
  const init = initContainer(settings);
  const proxy = proxyContainer(settings);
  if (settings.nativeSidecars) {
    return { initContainers: [init, { ...proxy, restartPolicy: "Always" }], containers: [] };
  }
  return { initContainers: [init], containers: [proxy] };
}
