import { annotations, containers } from "../../mesh/names.ts";
import type { Container, JsonObject, SecurityContext } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import { ports, proxyId } from "../../mesh/ports.ts";
import type { PodOptions } from "../pod-options.ts";
import { proxyImage } from "./image.ts";
import { proxyArguments } from "./istio-arguments.ts";
import { agentEnv, applicationContainersEnv, localhostProbesEnv, memoryLimitEnv, uniqueEnv } from "./istio-env.ts";
import { readinessProbe, startupProbe } from "./proxy-probes.ts";
import { sidecarResources } from "./resources.ts";

const drain = (port: number) => ["pilot-agent", "request", `--debug-port=${port}`, "POST", "drain"];

/**
 * What runs when the container starts or stops: the user's values; holding the application back until the proxy is
 * ready; or, for a native sidecar, draining when the Pod begins to stop (it is stopped itself after the application).
 */
function lifecycle({ settings, nativeSidecar, holdApplication, statusPort }: PodOptions): JsonObject | undefined {
  const own = settings.values.global.proxy.lifecycle;
  if (own) return own;
  if (nativeSidecar) return { preStop: { exec: { command: drain(statusPort) } } };
  return holdApplication ? { postStart: { exec: { command: ["pilot-agent", "wait"] } } } : undefined;
}

/** What tracing of rules in the kernel's log needs. */
const traceContext: SecurityContext = {
  allowPrivilegeEscalation: true,
  capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] },
  privileged: true,
  readOnlyRootFilesystem: true,
  runAsNonRoot: false,
  runAsUser: 0,
};

/** The proxy's user without capabilities; root with one where TPROXY or a low port needs it. */
export function proxySecurityContext(options: PodOptions): SecurityContext {
  const { pod, settings, mode, ids, proxyConfig } = options;
  if (proxyConfig.proxyMetadata?.IPTABLES_TRACE_LOGGING === "true") return { ...traceContext, runAsGroup: ids.group };
  const { privileged, seccompProfile } = settings.values.global.proxy;
  const add = [
    ...(mode === "TPROXY" ? ["NET_ADMIN"] : []),
    ...(annotationOf(pod, annotations.capNetBindService) === "true" ? ["NET_BIND_SERVICE"] : []),
  ];
  const user =
    add.length > 0
      ? { runAsGroup: proxyId, runAsNonRoot: false, runAsUser: 0 }
      : { runAsGroup: ids.group, runAsNonRoot: true, runAsUser: ids.user };
  return {
    allowPrivilegeEscalation: privileged,
    privileged,
    capabilities: { ...(add.length > 0 && { add }), drop: ["ALL"] },
    readOnlyRootFilesystem: true,
    ...user,
    ...(seccompProfile && Object.keys(seccompProfile).length > 0 && { seccompProfile }),
  };
}

/** istio-proxy as Istio's injector writes it: its agent, which starts Envoy. */
export function istioProxy(options: PodOptions): Omit<Container, "volumeMounts"> {
  const { imagePullPolicy } = options.settings.values.global;
  const own = lifecycle(options);
  return {
    name: containers.proxy,
    image: proxyImage(options),
    args: proxyArguments(options, "sidecar"),
    env: uniqueEnv([
      ...localhostProbesEnv(options),
      ...agentEnv(options, [applicationContainersEnv(options), memoryLimitEnv]),
    ]),
    ports: [{ containerPort: ports.prometheus, name: "http-envoy-prom", protocol: "TCP" }],
    resources: sidecarResources(options),
    securityContext: proxySecurityContext(options),
    ...(imagePullPolicy !== "" && { imagePullPolicy }),
    ...(own && { lifecycle: own }),
    ...startupProbe(options),
    ...readinessProbe(options, ports.health),
    ...(options.nativeSidecar && { restartPolicy: "Always" }),
  };
}
