import { type InterceptionMode, interceptionModes } from "../mesh/interception-mode.ts";
import { annotations } from "../mesh/names.ts";
import { type Owner, ownerOf } from "../mesh/owner.ts";
import type { JsonObject, Pod } from "../mesh/pod.ts";
import { annotationOf } from "../mesh/pod-metadata.ts";
import { ports, proxyId } from "../mesh/ports.ts";
import { datadogEnv, userVolumeMounts, userVolumes } from "./annotations/json-annotation.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import type { ProxyConfig } from "./config/proxy-config.ts";
import { effectiveProxyConfig } from "./effective-proxy-config.ts";
import type { InjectionContext, ProxyIds } from "./injection-context.ts";
import { proxyContainer } from "./pod-containers.ts";
import type { InjectionSettings } from "./settings.ts";

/** Everything that a profile needs to know of one Pod. */
export interface PodOptions {
  readonly pod: Pod;
  readonly settings: InjectionSettings;
  readonly owner: Owner;
  readonly namespace: string;
  readonly proxyConfig: ProxyConfig;
  readonly nativeSidecar: boolean;
  readonly mode: InterceptionMode;
  /** The port of rewritten probes and merged metrics; 0 turns them off. */
  readonly statusPort: number;
  readonly ids: ProxyIds;
  readonly holdApplication: boolean;
  /** Whether the cluster is known to have lifecycle hooks that sleep. */
  readonly sleepHook: boolean;
  /** The user's own volumes and mounts of istio-proxy, by the volume's name. */
  readonly userVolumes: Readonly<Record<string, JsonObject>>;
  readonly userVolumeMounts: Readonly<Record<string, JsonObject & { mountPath: string }>>;
  readonly datadogEnv: Readonly<Record<string, string>>;
}

/** The names of the application's containers, in order. */
export function applicationContainers(pod: Pod): string[] {
  return pod.spec.containers.map(({ name }) => name).filter((name) => name !== "istio-proxy");
}

function modeOf(pod: Pod, proxyConfig: ProxyConfig): InterceptionMode {
  const set = annotationOf(pod, annotations.interceptionMode);
  return interceptionModes.find((mode) => mode === set) ?? proxyConfig.interceptionMode ?? "REDIRECT";
}

function isNative(pod: Pod, settings: InjectionSettings, facts: ClusterFacts): boolean {
  // A Pod must have a container: one that is nothing but a proxy keeps it as one.
  if (applicationContainers(pod).length === 0) return false;
  const set = annotationOf(pod, annotations.nativeSidecar) ?? "";
  if (set !== "") return set !== "false";
  if (settings.nativeSidecars !== "auto") return settings.nativeSidecars === "enabled";
  return facts.supportsNativeSidecars(pod.spec.nodeName);
}

/**
 * The user's own choice on istio-proxy, else the namespace's (OpenShift), else Istio's 1337. Under TPROXY the proxy is
 * root, and known by its group alone.
 */
function idsOf(pod: Pod, mode: InterceptionMode, settings: InjectionSettings, context: InjectionContext): ProxyIds {
  const own = proxyContainer(pod)?.securityContext;
  const ranged = settings.platform === "openshift" && mode !== "TPROXY";
  const range = ranged ? context.facts.openShiftIds(pod.metadata.namespace || context.namespace) : undefined;
  return {
    user: own?.runAsUser ?? range?.user ?? proxyId,
    group: own?.runAsGroup ?? range?.group ?? proxyId,
  };
}

/**
 * Reads a Pod's annotations, owner and settings into what the profiles build from. The annotations are valid already.
 */
export function podOptions(pod: Pod, settings: InjectionSettings, context: InjectionContext): PodOptions {
  const { values } = settings;
  const proxyConfig = effectiveProxyConfig(pod, settings, context);
  const mode = modeOf(pod, proxyConfig);
  const statusPort = annotationOf(pod, annotations.statusPort);
  return {
    pod,
    settings,
    owner: context.owner ?? ownerOf(pod),
    namespace: pod.metadata.namespace || context.namespace,
    proxyConfig,
    nativeSidecar: isNative(pod, settings, context.facts),
    mode,
    statusPort: statusPort === undefined ? values.global.proxy.statusPort : Number(statusPort),
    ids: idsOf(pod, mode, settings, context),
    holdApplication:
      proxyConfig.holdApplicationUntilProxyStarts === true || values.global.proxy.holdApplicationUntilProxyStarts,
    sleepHook: context.facts.knowsSleepHook,
    userVolumes: userVolumes(pod),
    userVolumeMounts: userVolumeMounts(pod),
    datadogEnv: values.global.proxy.tracer === "datadog" ? datadogEnv(pod) : {},
  };
}

/** The port that Prometheus is sent to. In the `istio` profile it is the mesh's alone, as in Istio. */
export function metricsPort({ settings, statusPort }: PodOptions): number {
  return settings.profile === "istio" ? (settings.mesh.defaultConfig.statusPort ?? ports.status) : statusPort;
}
