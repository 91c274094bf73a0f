import { containers } from "../../mesh/names.ts";
import type { Container, EnvVar, Pod } from "../../mesh/pod.ts";
import { ports } from "../../mesh/ports.ts";
import type { ProbeRecord } from "../pipeline/probe-record.ts";
import { withContainer } from "../pod-containers.ts";
import type { PodOptions } from "../pod-options.ts";
import type { PodOverlay } from "../template/template.ts";
import { captureArguments } from "./capture-arguments.ts";
import { envoyArguments, envoyCommand, withBootstrap } from "./envoy-arguments.ts";
import { envoyBootstrap } from "./envoy-bootstrap.ts";
import { discoveryParts } from "./envoy-discovery.ts";
import { containerMounts, ownVolumes, podVolumes } from "./envoy-volumes.ts";
import { envoyImage } from "./image.ts";
import { captureContainer, groupArguments } from "./init-container.ts";
import { metadataEnv, uniqueEnv } from "./istio-env.ts";
import { proxySecurityContext } from "./istio-proxy.ts";
import { placed, pullSecrets } from "./istio-sidecar.ts";
import { readinessProbe, startupProbe } from "./proxy-probes.ts";
import { sidecarResources } from "./resources.ts";
import { canonicalLabels, nodeAgentAnnotations, revisionAnnotations } from "./template-metadata.ts";

function fromField(name: string, fieldPath: string): EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** Who this Envoy is, and where the application is. Kubernetes fills it in when the container starts. */
export const envoyIdentityEnv = [
  fromField("POD_NAME", "metadata.name"),
  fromField("POD_NAMESPACE", "metadata.namespace"),
  fromField("INSTANCE_IP", "status.podIP"),
];

/** Envoy listens on both families, so both are captured where the Pod has them. The node agent reads it on istio-proxy. */
function dualStackEnv({ settings }: PodOptions): EnvVar[] {
  return settings.envoy.ipFamilies === "dual" ? [{ name: "ISTIO_DUAL_STACK", value: "true" }] : [];
}

/** Where iptables locks: its own place is on the root file system, which is read-only. */
const lockFileEnv: EnvVar = { name: "XTABLES_LOCKFILE", value: "/dev/shm/xtables.lock" };

function withReadOnlyRoot(container: Container): Container {
  return { ...container, securityContext: { ...container.securityContext, readOnlyRootFilesystem: true } };
}

function initContainer(options: PodOptions): Container[] {
  const { settings } = options;
  const { imagePullPolicy } = settings.values.global;
  const check = settings.values.pilot.cni.enabled ? ["--run-validation", "--skip-rule-apply"] : [];
  const env = uniqueEnv([lockFileEnv, ...dualStackEnv(options), ...metadataEnv(options)]);
  return captureContainer(options, {
    image: settings.envoy.initImage,
    args: ["init", ...captureArguments(options), ...groupArguments(options), ...check],
    resources: sidecarResources(options),
    ...(imagePullPolicy !== "" && { imagePullPolicy }),
    env,
  }).map(withReadOnlyRoot);
}

/**
 * Without a native sidecar, Kubernetes stops Envoy at the same time as the application. It then waits, so that requests
 * in flight and the application's last ones still pass. Older clusters do not know the hook and would refuse the Pod.
 */
function drainHook({ nativeSidecar, sleepHook, proxyConfig }: PodOptions): Pick<Container, "lifecycle"> {
  if (nativeSidecar || !sleepHook) return {};
  const seconds = Math.ceil(Number((proxyConfig.terminationDrainDuration ?? "5s").slice(0, -1)));
  return seconds > 0 ? { lifecycle: { preStop: { sleep: { seconds } } } } : {};
}

/** A stock Envoy and nothing else: its whole configuration stands in its arguments. */
function proxyContainer(options: PodOptions): Container {
  const { settings } = options;
  const { imagePullPolicy, proxy } = settings.values.global;
  const discovered = discoveryParts(options);
  return {
    name: containers.proxy,
    image: envoyImage(options),
    command: envoyCommand,
    args: envoyArguments(options, envoyBootstrap(options, "sidecar", {}), "sidecar"),
    env: uniqueEnv([...envoyIdentityEnv, ...dualStackEnv(options), ...discovered.env, ...metadataEnv(options)]),
    ports: [{ name: "http-envoy-prom", containerPort: ports.prometheus, protocol: "TCP" }],
    resources: sidecarResources(options),
    securityContext: proxySecurityContext(options),
    ...containerMounts(discovered, ownVolumes(options)),
    ...(imagePullPolicy !== "" && { imagePullPolicy }),
    ...(proxy.lifecycle ? { lifecycle: proxy.lifecycle } : drainHook(options)),
    ...startupProbe(options),
    ...readinessProbe(options, ports.health),
    ...(options.nativeSidecar && { restartPolicy: "Always" }),
  };
}

/** The `sidecar` template of the `envoy` profile: istio-init writes the rules, istio-proxy is a stock Envoy. */
export function envoySidecar(options: PodOptions): PodOverlay {
  const discovered = discoveryParts(options);
  return {
    metadata: {
      labels: { ...canonicalLabels(options.pod, options.owner), ...discovered.labels },
      annotations: { ...revisionAnnotations(options), ...nodeAgentAnnotations(options) },
    },
    spec: {
      ...placed(options.nativeSidecar, initContainer(options), proxyContainer(options)),
      ...pullSecrets(options),
      ...podVolumes(discovered, ownVolumes(options)),
    },
  };
}

/** Puts the application's probes and metrics into Envoy's bootstrap, once they are known. */
export function finishEnvoy(pod: Pod, probes: ProbeRecord, options: PodOptions): Pod {
  return withContainer(pod, containers.proxy, (proxy) =>
    withBootstrap(proxy, envoyBootstrap(options, "sidecar", probes, proxy)),
  );
}
