import { ports } from "../ports.ts";
import { standardOutputAccessLog } from "./access-log.ts";
import { clusterNames, ownListenerClusterName } from "./cluster.ts";
import type { Extension, FilterChain, Listener, ListenerFilter, SocketAddress } from "./message.ts";
import { extension, socketAddress } from "./message.ts";

/** Which addresses a sidecar listens on. `dual` takes IPv4 and IPv6 on one socket and needs a kernel with IPv6. */
export type IpFamilies = "dual" | "ipv4";

/** How long a connection may stay silent before it is taken for one whose server speaks first. */
const protocolDetectionTimeout = "0.1s";

/** Servers that speak first on their well-known ports: FTP, SSH, SMTP, POP3, IMAP, submission, MySQL, VNC. */
const serverFirstPorts = [21, 22, 25, 110, 143, 587, 3306, 5900];

function anyAddress(families: IpFamilies, port: number): SocketAddress {
  if (families === "ipv4") return socketAddress("0.0.0.0", port);
  return { socket_address: { address: "::", port_value: port, ipv4_compat: true } };
}

const router = extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router", {
  suppress_envoy_headers: true,
});

const connectionManager = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/** HTTP passed on as it came: no headers added, no case changed, no time limit, upgrades allowed. */
function httpPassthrough(direction: "inbound" | "outbound", cluster: string): Extension {
  const route = { name: "allow_any", match: { prefix: "/" }, route: { cluster, timeout: "0s" } };
  return extension("envoy.filters.network.http_connection_manager", connectionManager, {
    stat_prefix: `${direction}_passthrough`,
    route_config: { name: direction, virtual_hosts: [{ name: "allow_any", domains: ["*"], routes: [route] }] },
    http_filters: [router],
    access_log: [standardOutputAccessLog()],
    server_header_transformation: "PASS_THROUGH",
    http_protocol_options: {
      accept_http_10: true,
      header_key_format: {
        stateful_formatter: extension(
          "preserve_case",
          "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig",
          { forward_reason_phrase: true },
        ),
      },
    },
    upgrade_configs: [{ upgrade_type: "websocket" }, { upgrade_type: "h2c" }],
    stream_idle_timeout: "0s",
    proxy_100_continue: true,
    preserve_external_request_id: true,
    skip_xff_append: true,
    max_request_headers_kb: 96,
    delayed_close_timeout: "1s",
  });
}

const tcpProxyType = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

function tcpProxy(statPrefix: string, cluster: string, fields: Record<string, unknown>): Extension {
  return extension("envoy.filters.network.tcp_proxy", tcpProxyType, { stat_prefix: statPrefix, cluster, ...fields });
}

/** A connection to the capture port itself has no original destination: it would be passed on to itself for ever. */
function blackHoleChain(port: number): FilterChain {
  return {
    name: "blackhole",
    filter_chain_match: { destination_port: port },
    filters: [tcpProxy("blackhole", clusterNames.blackHole, {})],
  };
}

function protocolDetection(): ListenerFilter[] {
  const portRules = serverFirstPorts.map((port) => ({ destination_port_range: { start: port, end: port + 1 } }));
  return [
    extension("envoy.filters.listener.original_dst", "envoy.extensions.filters.listener.original_dst.v3.OriginalDst"),
    {
      ...extension(
        "envoy.filters.listener.http_inspector",
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
      ),
      filter_disabled: { or_match: { rules: portRules } },
    },
  ];
}

/** A listener that captured traffic is redirected to, and that passes it on to where it was going. */
function captureListener(
  direction: "inbound" | "outbound",
  port: number,
  cluster: string,
  families: IpFamilies,
): Listener {
  return {
    name: direction === "inbound" ? "virtualInbound" : "virtualOutbound",
    address: anyAddress(families, port),
    traffic_direction: direction.toUpperCase(),
    listener_filters: protocolDetection(),
    listener_filters_timeout: protocolDetectionTimeout,
    continue_on_listener_filters_timeout: true,
    filter_chains: [
      blackHoleChain(port),
      {
        name: `${direction}-http`,
        filter_chain_match: { application_protocols: ["http/1.0", "http/1.1", "h2c"] },
        filters: [httpPassthrough(direction, cluster)],
      },
    ],
    default_filter_chain: {
      name: `${direction}-tcp`,
      filters: [
        tcpProxy(`${direction}_passthrough`, cluster, {
          access_log: [standardOutputAccessLog()],
          idle_timeout: "0s",
        }),
      ],
    },
  };
}

export function outboundListener(families: IpFamilies): Listener {
  return captureListener("outbound", ports.outbound, clusterNames.passthrough, families);
}

export function inboundListener(families: IpFamilies): Listener {
  return captureListener("inbound", ports.inbound, clusterNames.inboundPassthrough, families);
}

/** A small HTTP server of Envoy's own: the given filters, then routes, and 404 for everything else. */
function ownHttpListener(
  name: string,
  port: number,
  families: IpFamilies,
  routes: readonly unknown[],
  filters: readonly Extension[] = [],
): Listener {
  const manager = extension("envoy.filters.network.http_connection_manager", connectionManager, {
    stat_prefix: name,
    route_config: { name, virtual_hosts: [{ name, domains: ["*"], routes }] },
    http_filters: [...filters, router],
    request_timeout: "10s",
  });
  return { name, address: anyAddress(families, port), filter_chains: [{ name, filters: [manager] }] };
}

/**
 * 15021 `/healthz/ready`: 200 while Envoy is live, does not drain, and accepts connections on both capture ports.
 */
export function healthListener(families: IpFamilies, capturePorts: readonly number[]): Listener {
  const healthy = capturePorts.map((port) => [ownListenerClusterName(port), { value: 100 }]);
  const healthCheck = extension(
    "envoy.filters.http.health_check",
    "envoy.extensions.filters.http.health_check.v3.HealthCheck",
    {
      pass_through_mode: false,
      headers: [{ name: ":path", string_match: { exact: "/healthz/ready" } }],
      cluster_min_healthy_percentages: Object.fromEntries(healthy),
    },
  );
  const notFound = { match: { prefix: "/" }, direct_response: { status: 404 } };
  return ownHttpListener("health", ports.health, families, [notFound], [healthCheck]);
}

/** 15090 `/stats/prometheus`: Envoy's statistics, and nothing else of the admin interface. */
export function prometheusListener(families: IpFamilies): Listener {
  const route = {
    match: { path: "/stats/prometheus", headers: [{ name: ":method", string_match: { exact: "GET" } }] },
    route: { cluster: clusterNames.admin },
  };
  return ownHttpListener("prometheus", ports.prometheus, families, [route]);
}
