import type { InterceptionMode } from "../interception-mode.ts";
import { ports } from "../ports.ts";
import type { IpFamilies } from "./address.ts";
import { type AppProbe, probeClusters, probeFilters, probeRoutes } from "./app-probe.ts";
import { inboundListener, outboundListener } from "./capture-listener.ts";
import {
  adminCluster,
  blackHoleCluster,
  inboundPassthroughCluster,
  ownListenerCluster,
  passthroughCluster,
} from "./cluster.ts";
import { type DiscoveryConnection, dynamicResources } from "./discovery.ts";
import { type MetricsTarget, mergedMetrics } from "./merged-metrics.ts";
import type { Cluster, Listener } from "./message.ts";
import { extension, loopback, socketAddress } from "./message.ts";
import { healthListener, ownHttpListener, prometheusListener } from "./own-listener.ts";

/** What a sidecar's Envoy starts with. */
export interface BootstrapOptions {
  readonly ipFamilies: IpFamilies;
  readonly mode?: InterceptionMode;
  /** The port of probes and merged metrics; 0 for none. */
  readonly statusPort?: number;
  readonly probes?: readonly AppProbe[];
  readonly metrics?: readonly MetricsTarget[];
  /** The control plane that tells it what to do with traffic; without one it passes everything on. */
  readonly discovery?: DiscoveryConnection | undefined;
}

export interface Bootstrap {
  readonly admin: Readonly<Record<string, unknown>>;
  readonly static_resources: { readonly listeners: readonly Listener[]; readonly clusters: readonly Cluster[] };
  readonly overload_manager: Readonly<Record<string, unknown>>;
  readonly deferred_stat_options?: Readonly<Record<string, unknown>>;
  readonly dynamic_resources?: Readonly<Record<string, unknown>>;
}

/** More connections than this at once, and Envoy refuses new ones rather than run out of memory. */
const maxDownstreamConnections = 50_000;

const connectionLimit = extension(
  "envoy.resource_monitors.global_downstream_max_connections",
  "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
  { max_active_downstream_connections: maxDownstreamConnections },
);

/** A sidecar knows every Service that its namespace sees, and asks few: the others cost it no counters. */
const statisticsOnUse = { enable_deferred_creation_stats: true };

interface StatusServer {
  readonly listeners: readonly Listener[];
  readonly clusters: readonly Cluster[];
}

/** 15020: the application's probes and metrics. */
function statusServer({
  ipFamilies: families,
  statusPort = ports.status,
  probes = [],
  metrics = [],
  discovery,
}: BootstrapOptions): StatusServer {
  if (statusPort === 0) return { listeners: [], clusters: [] };
  const merged = mergedMetrics(metrics, discovery !== undefined);
  const listener = ownHttpListener({
    name: "status",
    port: statusPort,
    families,
    filters: [...probeFilters(probes), ...merged.filters],
    routes: [...merged.routes, ...probeRoutes(probes)],
  });
  return { listeners: [listener], clusters: uniqueByName([...probeClusters(probes), ...merged.clusters]) };
}

function uniqueByName(clusters: readonly Cluster[]): Cluster[] {
  return [...new Map(clusters.map((cluster) => [cluster.name, cluster])).values()];
}

/**
 * The bootstrap of a sidecar. Without a control plane it captures what comes to 15001 and 15006, logs and counts it, and
 * passes it on; with one, the listeners of these ports come from there, and until they do nothing passes: what must be
 * encrypted or refused is never let through for want of an answer.
 *
 * Who Envoy is comes by its `--service-node` flag.
 */
export function sidecarBootstrap(options: BootstrapOptions): Bootstrap {
  const { ipFamilies, mode = "REDIRECT", discovery } = options;
  const capturePorts = [ports.outbound, ports.inbound];
  const status = statusServer(options);
  const { filters, routes } = mergedMetrics([], discovery !== undefined);
  return {
    admin: { address: socketAddress(loopback, ports.admin), ignore_global_conn_limit: true },
    static_resources: {
      listeners: [
        ...(discovery === undefined ? [outboundListener(ipFamilies), inboundListener(ipFamilies, mode)] : []),
        healthListener(ipFamilies, capturePorts),
        prometheusListener(ipFamilies, { filters, routes }),
        ...status.listeners,
      ],
      clusters: [
        passthroughCluster(),
        inboundPassthroughCluster(mode),
        blackHoleCluster(),
        adminCluster(),
        ...capturePorts.map(ownListenerCluster),
        ...status.clusters,
      ],
    },
    overload_manager: { resource_monitors: [connectionLimit] },
    ...(discovery === undefined
      ? {}
      : { deferred_stat_options: statisticsOnUse, dynamic_resources: dynamicResources(discovery) }),
  };
}

/**
 * The bootstrap of a gateway: what is Envoy's own, and nothing that captures. What it listens to is the user's to say,
 * in a bootstrap that is merged with this one.
 */
function gatewayBootstrap(options: BootstrapOptions): Bootstrap {
  const { ipFamilies } = options;
  const status = statusServer({ ...options, discovery: undefined });
  const { filters, routes } = mergedMetrics([], false);
  return {
    admin: { address: socketAddress(loopback, ports.admin), ignore_global_conn_limit: true },
    static_resources: {
      listeners: [
        healthListener(ipFamilies, []),
        prometheusListener(ipFamilies, { filters, routes }),
        ...status.listeners,
      ],
      clusters: uniqueByName([adminCluster(), ...status.clusters]),
    },
    overload_manager: { resource_monitors: [connectionLimit] },
  };
}

export const envoyBootstraps = { sidecar: sidecarBootstrap, gateway: gatewayBootstrap } as const;

/** How JSON prints what marks a reference to the environment; see `podAddress`. */
const reference = /\\u0000(INSTANCE_IP)/g;

/**
 * One-line JSON for a container's args. Kubernetes expands `$(NAME)` there: every `$` is doubled, and then the Pod's
 * address becomes such a reference.
 */
export function bootstrapArgument(bootstrap: Bootstrap): string {
  return JSON.stringify(bootstrap).replaceAll("$", "$$$$").replace(reference, "$($1)");
}
