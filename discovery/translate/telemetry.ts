import { create } from "@bufbuild/protobuf";
import { refusedConnectionFormat, standardOutputAccessLog } from "../../mesh/envoy/access-log.ts";
import type { AccessLog } from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { AccessLogFilterSchema, AccessLogSchema } from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import type { Workload } from "../registry/workload.ts";
import { jsonAccessLog } from "./access-log.ts";
import { accessLogFrom, type JsonObject, typedStruct } from "./message.ts";
import { metadataNamespace } from "./names.ts";
import type { MeshSettings } from "./settings.ts";
import { spiffeId } from "./tls.ts";

/** Labels of a metric: their values are texts with Envoy's command operators in them. */
type Tags = Readonly<Record<string, string>>;

const fromUpstream = (key: string) => `%UPSTREAM_METADATA(${metadataNamespace}:${key})%`;
const fromCluster = (key: string) => `%CLUSTER_METADATA(${metadataNamespace}:${key})%`;
const fromEnvironment = (name: string) => `%ENVIRONMENT(${name})%`;

/** The sidecar's own workload comes from its environment: so one listener serves every Pod. */
const ownTags: Tags = {
  source_workload: fromEnvironment("ISTIO_META_WORKLOAD_NAME"),
  source_workload_namespace: fromEnvironment("POD_NAMESPACE"),
  source_canonical_service: fromEnvironment("CANONICAL_SERVICE"),
  source_canonical_revision: fromEnvironment("CANONICAL_REVISION"),
  source_principal: "%UPSTREAM_LOCAL_URI_SAN%",
};

/** What the client's sidecar knows of a request. */
export const outboundTags: Tags = {
  reporter: "source",
  ...ownTags,
  destination_workload: fromUpstream("workload"),
  destination_workload_namespace: fromUpstream("namespace"),
  destination_canonical_service: fromUpstream("name"),
  destination_canonical_revision: fromUpstream("revision"),
  destination_principal: "%UPSTREAM_PEER_URI_SAN%",
  destination_service: fromCluster("host"),
  destination_service_name: fromCluster("name"),
  destination_service_namespace: fromCluster("namespace"),
  connection_security_policy: "unknown",
};

/** What the server's sidecar knows of a request that came in mutual TLS or in plain text. */
export function inboundTags(
  workload: Workload,
  service: { readonly host: string; readonly name: string } | undefined,
  security: "mutual_tls" | "none",
  trustDomain: string,
): Tags {
  return {
    reporter: "destination",
    source_workload: "unknown",
    source_workload_namespace: "unknown",
    source_canonical_service: "unknown",
    source_canonical_revision: "unknown",
    source_principal: security === "mutual_tls" ? "%DOWNSTREAM_PEER_URI_SAN%" : "unknown",
    destination_workload: workload.owner,
    destination_workload_namespace: workload.namespace,
    destination_canonical_service: workload.canonicalName,
    destination_canonical_revision: workload.canonicalRevision,
    destination_principal: spiffeId(trustDomain, workload.namespace, workload.serviceAccount),
    destination_service: service?.host ?? "unknown",
    destination_service_name: service?.name ?? "unknown",
    destination_service_namespace: workload.namespace,
    connection_security_policy: security,
  };
}

function stat(name: string, tags: Tags): JsonObject {
  return { name, tags: Object.entries(tags).map(([key, value]) => ({ name: key, value_format: value })) };
}

function statsLogger(counters: JsonObject[], histograms: JsonObject[]): AccessLog {
  return create(AccessLogSchema, {
    name: "envoy.access_loggers.stats",
    configType: {
      case: "typedConfig",
      value: typedStruct("envoy.extensions.access_loggers.stats.v3.Config", { stats_scope: {}, counters, histograms }),
    },
  });
}

const requestProtocol =
  "%CEL('content-type' in request.headers && request.headers['content-type'].startsWith('application/grpc') ? 'grpc' : 'http')%";

/**
 * Istio's standard metrics of requests.
 * Source: https://istio.io/latest/docs/reference/config/metrics/
 */
export function httpMetrics(tags: Tags): AccessLog {
  const all = {
    ...tags,
    request_protocol: requestProtocol,
    response_code: "%RESPONSE_CODE%",
    response_flags: "%RESPONSE_FLAGS%",
    grpc_response_status: "%GRPC_STATUS_NUMBER%",
  };
  const histogram = (name: string, format: string, unit: string): JsonObject => ({
    stat: stat(name, all),
    value_format: format,
    unit,
  });
  return statsLogger(
    [{ stat: stat("istio_requests_total", all), value_fixed: 1 }],
    [
      histogram("istio_request_duration_milliseconds", "%DURATION%", "Milliseconds"),
      histogram("istio_request_bytes", "%BYTES_RECEIVED%", "Bytes"),
      histogram("istio_response_bytes", "%BYTES_SENT%", "Bytes"),
    ],
  );
}

/** Istio's standard metrics of connections, counted when one ends. */
export function tcpMetrics(tags: Tags): AccessLog {
  const all = { ...tags, request_protocol: "tcp", response_flags: "%RESPONSE_FLAGS%" };
  return statsLogger(
    [
      { stat: stat("istio_tcp_connections_closed_total", all), value_fixed: 1 },
      { stat: stat("istio_tcp_sent_bytes_total", all), value_format: "%BYTES_SENT%" },
      { stat: stat("istio_tcp_received_bytes_total", all), value_format: "%BYTES_RECEIVED%" },
    ],
    [],
  );
}

/** The line per request or connection that the mesh's settings ask for. */
export function accessLogs({ accessLog }: MeshSettings): AccessLog[] {
  if (accessLog === "off") return [];
  return [accessLog === "text" ? accessLogFrom(standardOutputAccessLog()) : jsonAccessLog];
}

/**
 * Connections that no filter chain took: none matches (plain text where STRICT holds), or TLS failed. Only the listener
 * can log them.
 */
const isRefused = create(AccessLogFilterSchema, {
  filterSpecifier: {
    case: "orFilter",
    value: {
      filters: [
        { filterSpecifier: { case: "responseFlagFilter", value: { flags: ["NR"] } } },
        {
          filterSpecifier: {
            case: "extensionFilter",
            value: {
              name: "envoy.access_loggers.extension_filters.cel",
              configType: {
                case: "typedConfig",
                value: typedStruct("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", {
                  expression: "has(connection.transport_failure_reason)",
                }),
              },
            },
          },
        },
      ],
    },
  },
});

/** The line per connection that was turned away, whose client only sees it closed. */
export function refusalLogs({ accessLog }: MeshSettings): AccessLog[] {
  if (accessLog === "off") return [];
  const log = accessLog === "text" ? accessLogFrom(standardOutputAccessLog(refusedConnectionFormat)) : jsonAccessLog;
  return [{ ...log, filter: isRefused }];
}
