/** The names that Outrigger shares with Kubernetes objects, Istio's API and the kernel. Written once, here. */

/** iptables chains. `outbound` is ISTIO_OUTPUT in Istio: `--outbound-chain ISTIO_OUTPUT` writes that name. */
export const chains = {
  inbound: "ISTIO_INBOUND",
  inboundRedirect: "ISTIO_IN_REDIRECT",
  outbound: "ISTIO_OUTBOUND",
  redirect: "ISTIO_REDIRECT",
  divert: "ISTIO_DIVERT",
  tproxy: "ISTIO_TPROXY",
  drop: "ISTIO_DROP",
  /** Drops traffic while the rules of a Pod are exchanged; never there otherwise. */
  guard: "ISTIO_GUARD",
} as const;

/** Chains that start so are the mesh's, whichever version or mode of it made them. */
export const chainPrefix = "ISTIO_";

/** The outbound chain's name in Istio, which verify, reconcile and cleanup know as well. */
export const istioOutboundChain = "ISTIO_OUTPUT";

/** The chain of captured DNS is named after the outbound one. */
export const dnsChainSuffix = "_DNS";

/** Containers that injection adds. */
export const containers = {
  init: "istio-init",
  proxy: "istio-proxy",
  validation: "istio-validation",
} as const;

/** Labels and annotations of Istio's API. */
export const annotations = {
  inject: "sidecar.istio.io/inject",
  status: "sidecar.istio.io/status",
  overrides: "proxy.istio.io/overrides",
  proxyConfig: "proxy.istio.io/config",
  templates: "inject.istio.io/templates",
  revision: "istio.io/rev",
  interceptionMode: "sidecar.istio.io/interceptionMode",
  nativeSidecar: "sidecar.istio.io/nativeSidecar",
  proxyImage: "sidecar.istio.io/proxyImage",
  proxyImageType: "sidecar.istio.io/proxyImageType",
  proxyCpu: "sidecar.istio.io/proxyCPU",
  proxyMemory: "sidecar.istio.io/proxyMemory",
  proxyCpuLimit: "sidecar.istio.io/proxyCPULimit",
  proxyMemoryLimit: "sidecar.istio.io/proxyMemoryLimit",
  logLevel: "sidecar.istio.io/logLevel",
  componentLogLevel: "sidecar.istio.io/componentLogLevel",
  agentLogLevel: "sidecar.istio.io/agentLogLevel",
  capNetBindService: "sidecar.istio.io/capNetBindService",
  rewriteAppHttpProbers: "sidecar.istio.io/rewriteAppHTTPProbers",
  bootstrapOverride: "sidecar.istio.io/bootstrapOverride",
  userVolume: "sidecar.istio.io/userVolume",
  userVolumeMount: "sidecar.istio.io/userVolumeMount",
  statusPort: "status.sidecar.istio.io/port",
  readinessInitialDelaySeconds: "readiness.status.sidecar.istio.io/initialDelaySeconds",
  readinessPeriodSeconds: "readiness.status.sidecar.istio.io/periodSeconds",
  readinessFailureThreshold: "readiness.status.sidecar.istio.io/failureThreshold",
  mergeMetrics: "prometheus.istio.io/merge-metrics",
  scrapeTargets: "prometheus.istio.io/scrape-targets",
  securePort: "prometheus.istio.io/secure-port",
  networks: "k8s.v1.cni.cncf.io/networks",
  defaultContainer: "kubectl.kubernetes.io/default-container",
  defaultLogsContainer: "kubectl.kubernetes.io/default-logs-container",
  includeInboundPorts: "traffic.sidecar.istio.io/includeInboundPorts",
  excludeInboundPorts: "traffic.sidecar.istio.io/excludeInboundPorts",
  includeOutboundPorts: "traffic.sidecar.istio.io/includeOutboundPorts",
  excludeOutboundPorts: "traffic.sidecar.istio.io/excludeOutboundPorts",
  includeOutboundIPRanges: "traffic.sidecar.istio.io/includeOutboundIPRanges",
  excludeOutboundIPRanges: "traffic.sidecar.istio.io/excludeOutboundIPRanges",
  excludeInterfaces: "traffic.sidecar.istio.io/excludeInterfaces",
  rerouteVirtualInterfaces: "istio.io/reroute-virtual-interfaces",
  kubevirtInterfaces: "traffic.sidecar.istio.io/kubevirtInterfaces",
} as const;

/** Labels of namespaces and Pods that choose whether, and by which revision, a Pod is injected. */
export const labels = {
  inject: "sidecar.istio.io/inject",
  injection: "istio-injection",
  revision: "istio.io/rev",
  /** On a namespace, `required`: Pods without a sidecar are denied. Ours, not Istio's. */
  sidecar: "outrigger.dev/sidecar",
  network: "topology.istio.io/network",
  tlsMode: "security.istio.io/tlsMode",
  canonicalName: "service.istio.io/canonical-name",
  canonicalRevision: "service.istio.io/canonical-revision",
} as const;

/** Namespaces in which nothing is ever injected. */
export const systemNamespaces: readonly string[] = [
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
];
