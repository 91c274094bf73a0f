import type { InterceptionMode } from "../interception-mode.ts";
import { ports } from "../ports.ts";
import { standardOutputAccessLog } from "./access-log.ts";
import { anyAddress, type IpFamilies } from "./address.ts";
import { clusterNames } from "./cluster.ts";
import { httpConnectionManager, router } from "./http.ts";
import type { Extension, FilterChain, Listener, ListenerFilter } from "./message.ts";
import { extension } from "./message.ts";
import { protocolDetectionTimeoutMs, serverFirstPorts } from "./protocol-detection.ts";

/** HTTP passed on as it came: no headers added, no case changed, no time limit, upgrades allowed. */
function httpPassthrough(direction: "inbound" | "outbound", cluster: string): Extension {
  const route = { name: "allow_any", match: { prefix: "/" }, route: { cluster, timeout: "0s" } };
  return httpConnectionManager({
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
    listener_filters_timeout: `${protocolDetectionTimeoutMs / 1000}s`,
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

/** TPROXY's mark: what carries it goes to the application with the client's own source address. */
const transparentMark = 1337;

const originalSource = extension(
  "envoy.filters.listener.original_src",
  "envoy.extensions.filters.listener.original_src.v3.OriginalSrc",
  { mark: transparentMark },
);

export function inboundListener(families: IpFamilies, mode: InterceptionMode): Listener {
  const listener = captureListener("inbound", ports.inbound, clusterNames.inboundPassthrough, families);
  if (mode !== "TPROXY") return listener;
  const [originalDestination, ...others] = listener.listener_filters ?? [];
  const filters = originalDestination === undefined ? [] : [originalDestination, originalSource, ...others];
  return { ...listener, transparent: true, listener_filters: filters };
}
