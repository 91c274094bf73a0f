import { bootstrapArgument, sidecarBootstrap } from "../../mesh/envoy/bootstrap.ts";
import { containers } from "../../mesh/names.ts";
import type { Container, EnvVar } from "../../mesh/pod.ts";
import { ports } from "../../mesh/ports.ts";
import type { PodOptions } from "../pod-options.ts";
import type { PodOverlay } from "../template/template.ts";
import { captureArguments } from "./capture-arguments.ts";
import { captureContainer } from "./init-container.ts";
import { proxySecurityContext } from "./istio-proxy.ts";
import { placed, pullSecrets } from "./istio-sidecar.ts";
import { readinessProbe, startupProbe } from "./proxy-probes.ts";
import { sidecarResources } from "./resources.ts";
import { canonicalLabels, nodeAgentAnnotations, revisionAnnotations } from "./template-metadata.ts";

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

const bootstraps = {
  dual: bootstrapArgument(sidecarBootstrap({ ipFamilies: "dual" })),
  ipv4: bootstrapArgument(sidecarBootstrap({ ipFamilies: "ipv4" })),
};

function initContainer(options: PodOptions): Container[] {
  return captureContainer(options, {
    image: options.settings.envoy.initImage,
    args: ["init", ...captureArguments(options)],
    resources: sidecarResources(options),
  });
}

/** A stock Envoy and nothing else: its whole configuration stands in its arguments. */
function proxyContainer(options: PodOptions): Container {
  const { envoy } = options.settings;
  return {
    name: containers.proxy,
    image: envoy.proxyImage,
    command: ["/usr/local/bin/envoy"],
    args: ["--config-yaml", bootstraps[envoy.ipFamilies], ...identity.args, ...logFlags, ...processFlags],
    env: [...identity.env],
    ports: [{ name: "http-envoy-prom", containerPort: ports.prometheus, protocol: "TCP" }],
    ...readinessProbe(options, ports.health),
    ...startupProbe(options),
    resources: sidecarResources(options),
    securityContext: proxySecurityContext(options),
    ...(options.nativeSidecar && { restartPolicy: "Always" }),
  };
}

/** The `envoy` profile: istio-init writes the rules, istio-proxy is a stock Envoy. */
export function envoySidecar(options: PodOptions): PodOverlay {
  return {
    metadata: {
      labels: canonicalLabels(options),
      annotations: { ...revisionAnnotations(options), ...nodeAgentAnnotations(options) },
    },
    spec: {
      ...placed(options.nativeSidecar, initContainer(options), proxyContainer(options)),
      ...pullSecrets(options),
    },
  };
}
