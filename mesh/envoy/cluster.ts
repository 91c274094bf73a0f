import type { InterceptionMode } from "../interception-mode.ts";
import { ports } from "../ports.ts";
import type { Cluster } from "./message.ts";
import { extension, loopback, socketAddress } from "./message.ts";

/** The clusters that every sidecar has, by Istio's names. */
export const clusterNames = {
  passthrough: "PassthroughCluster",
  inboundPassthrough: "InboundPassthroughCluster",
  blackHole: "BlackHoleCluster",
  admin: "admin",
} as const;

/** Inbound traffic to the application leaves from here, so that capture knows it and lets it pass. */
const inboundSource = { ipv4: "127.0.0.6", ipv6: "::6" } as const;

const unlimited = 4294967295;

/** A sidecar must not be the narrow place of a connection that it only passes on. */
const noCircuitBreaker = {
  thresholds: [
    { max_connections: unlimited, max_pending_requests: unlimited, max_requests: unlimited, max_retries: unlimited },
  ],
};

/** Speaks upstream what was spoken downstream, and keeps the case of HTTP/1 header names. */
const sameProtocolUpstream = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    use_downstream_protocol_config: {
      http_protocol_options: {
        header_key_format: {
          stateful_formatter: extension(
            "preserve_case",
            "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
          ),
        },
      },
      http2_protocol_options: {},
    },
  },
};

function originalDestination(name: string): Cluster {
  return {
    name,
    type: "ORIGINAL_DST",
    lb_policy: "CLUSTER_PROVIDED",
    connect_timeout: "10s",
    circuit_breakers: noCircuitBreaker,
    typed_extension_protocol_options: sameProtocolUpstream,
  };
}

/** Outbound: wherever the application wanted to go. */
export function passthroughCluster(): Cluster {
  return originalDestination(clusterNames.passthrough);
}

/** Connections to the application that the capture lets pass. */
export const fromInboundSource = {
  upstream_bind_config: {
    source_address: { address: inboundSource.ipv4, port_value: 0 },
    extra_source_addresses: [{ address: { address: inboundSource.ipv6, port_value: 0 } }],
  },
};

/** Inbound: the port of the application that the client wanted. */
export function inboundPassthroughCluster(mode: InterceptionMode): Cluster {
  const cluster = originalDestination(clusterNames.inboundPassthrough);
  // TPROXY keeps the client's own address as the source.
  return mode === "TPROXY" ? cluster : { ...cluster, ...fromInboundSource };
}

/** Has no endpoint: connections to a capture port itself end here instead of going round in circles. */
export function blackHoleCluster(): Cluster {
  return { name: clusterNames.blackHole, type: "STATIC", connect_timeout: "1s" };
}

/** The one endpoint of a cluster. */
export function endpointAt(name: string, address: string, port: number): Record<string, unknown> {
  const endpoint = { address: socketAddress(address, port) };
  return { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] };
}

/** Envoy's own admin interface, for the few paths that other listeners route to it. */
export function adminCluster(): Cluster {
  const name = clusterNames.admin;
  return { name, type: "STATIC", connect_timeout: "1s", load_assignment: endpointAt(name, loopback, ports.admin) };
}

/** The cluster whose health says whether a listener of this Envoy accepts connections. */
export function ownListenerCluster(port: number): Cluster {
  const name = ownListenerClusterName(port);
  return {
    name,
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: endpointAt(name, loopback, port),
    health_checks: [
      {
        timeout: "1s",
        interval: "5s",
        no_traffic_interval: "0.2s",
        no_traffic_healthy_interval: "5s",
        healthy_threshold: 1,
        unhealthy_threshold: 1,
        tcp_health_check: {},
      },
    ],
  };
}

export function ownListenerClusterName(port: number): string {
  return `own-listener-${port}`;
}
