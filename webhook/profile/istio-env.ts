import { annotations } from "../../mesh/names.ts";
import type { ContainerPort, EnvVar } from "../../mesh/pod.ts";
import { annotationOf, labelOf } from "../../mesh/pod-metadata.ts";
import { proxyConfigJson } from "../config/proxy-config-merge.ts";
import { applicationContainers, type PodOptions } from "../pod-options.ts";
import { customBootstrapFile } from "./istio-volumes.ts";
import { otelResourceAttributes } from "./otel-attributes.ts";

/** A variable; one that is empty has no value, as Kubernetes prints it. */
function variable(name: string, value: string): EnvVar {
  return value === "" ? { name } : { name, value };
}

function field(name: string, fieldPath: string): EnvVar {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function limit(name: string, resource: string): EnvVar {
  return { name, valueFrom: { resourceFieldRef: { divisor: "1", resource } } };
}

/** Who the proxy is, as Kubernetes fills it in when the container starts. */
export const identityEnv: readonly EnvVar[] = [
  field("POD_NAME", "metadata.name"),
  field("POD_NAMESPACE", "metadata.namespace"),
  field("INSTANCE_IP", "status.podIP"),
  field("SERVICE_ACCOUNT", "spec.serviceAccountName"),
  field("HOST_IP", "status.hostIP"),
];

const cpuLimitEnv = limit("ISTIO_CPU_LIMIT", "limits.cpu");
export const memoryLimitEnv = limit("GOMEMLIMIT", "limits.memory");
const nodeNameEnv = field("ISTIO_META_NODE_NAME", "spec.nodeName");

/** The certificate authority: the one configured, or this revision's control plane. */
export function authorityEnv({ settings }: PodOptions): EnvVar[] {
  const { pilotCertProvider, caAddress, istioNamespace } = settings.values.global;
  const suffix = settings.revision === "default" ? "" : `-${settings.revision}`;
  const address = caAddress === "" ? `istiod${suffix}.${istioNamespace}.svc:15012` : caAddress;
  return [variable("PILOT_CERT_PROVIDER", pilotCertProvider), variable("CA_ADDR", address)];
}

/** Inbound traffic that goes to localhost needs probes that go there. */
export function localhostProbesEnv({ settings }: PodOptions): EnvVar[] {
  return settings.mesh.inboundToLocalhost ? [variable("REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION", "true")] : [];
}

/** A port in the order in which Kubernetes prints its fields. */
function portJson({ name, hostPort, containerPort, protocol, hostIP }: ContainerPort): string {
  return JSON.stringify({
    ...(name && { name }),
    ...(hostPort ? { hostPort } : {}),
    containerPort,
    ...(protocol && { protocol }),
    ...(hostIP ? { hostIP } : {}),
  });
}

/** The proxy's configuration and the Pod's ports. */
export function configurationEnv({ pod, proxyConfig, settings }: PodOptions): EnvVar[] {
  const same = proxyConfig === settings.mesh.defaultConfig;
  const config = same ? settings.proxyConfigJson : proxyConfigJson(proxyConfig);
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []).map(portJson);
  const lines = ports.map((port, index) => `\n    ${index === 0 ? "" : ","}${port}`);
  return [variable("PROXY_CONFIG", `${config}\n`), variable("ISTIO_META_POD_PORTS", `[${lines.join("")}\n]`)];
}

export function applicationContainersEnv({ pod }: PodOptions): EnvVar {
  return variable("ISTIO_META_APP_CONTAINERS", applicationContainers(pod).join(","));
}

function complianceEnv({ settings }: PodOptions): EnvVar[] {
  return settings.compliancePolicy === "" ? [] : [variable("COMPLIANCE_POLICY", settings.compliancePolicy)];
}

/** Which cluster, node and mode. */
export function placeEnv({ settings, mode }: PodOptions, withMode = true): EnvVar[] {
  const cluster = settings.values.global.multiCluster.clusterName || "Kubernetes";
  const modeEnv = withMode ? [variable("ISTIO_META_INTERCEPTION_MODE", mode)] : [];
  return [variable("ISTIO_META_CLUSTER_ID", cluster), nodeNameEnv, ...modeEnv];
}

/** `kubernetes://apis/apps/v1/namespaces/shop/deployments/till` */
function ownerEnv({ owner, namespace }: PodOptions): EnvVar[] {
  const { apiVersion, kind, name } = owner;
  if (apiVersion === "" || name === "") return [];
  const path = `${apiVersion}/namespaces/${namespace || "default"}/${kind.toLowerCase()}s/${name}`;
  return [variable("ISTIO_META_OWNER", `kubernetes://apis/${path}`)];
}

/** Which workload of which mesh. */
export function workloadEnv(options: PodOptions): EnvVar[] {
  const { pod, owner, settings } = options;
  const name = labelOf(pod, "service.istio.io/workload-name") || owner.name;
  const { meshID } = settings.values.global;
  const { trustDomain } = settings.mesh;
  const override = annotationOf(pod, annotations.bootstrapOverride) !== undefined;
  const custom = variable("ISTIO_BOOTSTRAP_OVERRIDE", customBootstrapFile);
  return [
    ...(name === "" ? [] : [variable("ISTIO_META_WORKLOAD_NAME", name)]),
    ...ownerEnv(options),
    ...(override ? [custom] : []),
    ...(meshID || trustDomain ? [variable("ISTIO_META_MESH_ID", meshID || trustDomain)] : []),
    ...(trustDomain === "" ? [] : [variable("TRUST_DOMAIN", trustDomain)]),
  ];
}

/** Attributes for traces: OpenTelemetry's, and Datadog's where it traces. */
function tracingEnv(options: PodOptions): EnvVar[] {
  const attributes = options.settings.mesh.enrichesServiceAttributes ? otelResourceAttributes(options) : "";
  return [
    ...Object.entries(options.datadogEnv).map(([name, value]) => variable(name, value)),
    ...(attributes === "" ? [] : [variable("OTEL_RESOURCE_ATTRIBUTES", attributes)]),
  ];
}

/** The user's own variables for the proxy, sorted by name. */
export function metadataEnv({ proxyConfig }: PodOptions): EnvVar[] {
  const entries = Object.entries(proxyConfig.proxyMetadata ?? {});
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => variable(name, value));
}

/** What Istio's agent is told, whatever it runs; `containers` stands where Istio writes it, in two orders. */
export function agentEnv(options: PodOptions, containers: readonly EnvVar[]): EnvVar[] {
  return [
    ...authorityEnv(options),
    ...identityEnv,
    cpuLimitEnv,
    ...configurationEnv(options),
    ...containers,
    ...complianceEnv(options),
    ...placeEnv(options),
    ...workloadEnv(options),
    ...tracingEnv(options),
    ...metadataEnv(options),
  ];
}

/** Each name once: where it stood first, with what was said last. */
export function uniqueEnv(variables: readonly EnvVar[]): EnvVar[] {
  return [...new Map(variables.map((one) => [one.name, one])).values()];
}
