import { ports } from "../ports.ts";
import {
  adminCluster,
  blackHoleCluster,
  inboundPassthroughCluster,
  ownListenerCluster,
  passthroughCluster,
} from "./cluster.ts";
import type { IpFamilies } from "./listener.ts";
import { healthListener, inboundListener, outboundListener, prometheusListener } from "./listener.ts";
import type { Cluster, Listener } from "./message.ts";
import { extension, loopback, socketAddress } from "./message.ts";

/** What a sidecar's Envoy starts with. */
export interface BootstrapOptions {
  readonly ipFamilies: IpFamilies;
}

export interface Bootstrap {
  readonly admin: Readonly<Record<string, unknown>>;
  readonly static_resources: { readonly listeners: readonly Listener[]; readonly clusters: readonly Cluster[] };
  readonly overload_manager: Readonly<Record<string, unknown>>;
}

/** More connections than this at once, and Envoy refuses new ones rather than run out of memory. */
const maxDownstreamConnections = 50_000;

const connectionLimit = extension(
  "envoy.resource_monitors.global_downstream_max_connections",
  "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
  { max_active_downstream_connections: maxDownstreamConnections },
);

/**
 * The bootstrap of a sidecar without a control plane: it captures what comes to 15001 and 15006, logs and counts it, and
 * passes it on. It holds nothing that differs between Pods; who Envoy is comes by its `--service-node` flag.
 */
export function sidecarBootstrap({ ipFamilies }: BootstrapOptions): Bootstrap {
  const capturePorts = [ports.outbound, ports.inbound];
  return {
    admin: { address: socketAddress(loopback, ports.admin), ignore_global_conn_limit: true },
    static_resources: {
      listeners: [
        outboundListener(ipFamilies),
        inboundListener(ipFamilies),
        healthListener(ipFamilies, capturePorts),
        prometheusListener(ipFamilies),
      ],
      clusters: [
        passthroughCluster(),
        inboundPassthroughCluster(),
        blackHoleCluster(),
        adminCluster(),
        ...capturePorts.map(ownListenerCluster),
      ],
    },
    overload_manager: { resource_monitors: [connectionLimit] },
  };
}

/** One-line JSON for a container's args: `$` is doubled, since Kubernetes expands `$(NAME)` there. */
export function bootstrapArgument(bootstrap: Bootstrap): string {
  return JSON.stringify(bootstrap).replaceAll("$", "$$$$");
}
