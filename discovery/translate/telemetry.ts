import { accessLogFormat, refusedConnectionFormat, standardOutputAccessLog } from "../../mesh/envoy/access-log.ts";
import type { AccessLog } from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import type { Workload } from "../registry/workload.ts";
import { jsonAccessLog } from "./access-log.ts";
import { anyOf, flagged, holds } from "./access-log-filter.ts";
import { accessLogFrom, type JsonObject } from "./message.ts";
import { metadataNamespace } from "./names.ts";
import { peerTags, unknownPeerTags } from "./peer-workload.ts";
import type { MeshSettings } from "./settings.ts";
import { stat, statsLogger, type Tags } from "./stats-logger.ts";
import { atConnectionEnd } from "./tcp-metrics.ts";
import { spiffeId } from "./tls.ts";

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
    ...(security === "mutual_tls" ? peerTags : unknownPeerTags),
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

function logs({ accessLog }: MeshSettings, format: string): AccessLog[] {
  if (accessLog === "off") return [];
  return [accessLog === "text" ? accessLogFrom(standardOutputAccessLog(format)) : jsonAccessLog];
}

/** The line per request that the mesh's settings ask for. */
export function accessLogs(settings: MeshSettings): AccessLog[] {
  return logs(settings, accessLogFormat);
}

/** The line per connection, when it has ended: counters are told of its beginning as well. */
export function connectionLogs(settings: MeshSettings): AccessLog[] {
  return accessLogs(settings).map((log) => ({ ...log, filter: atConnectionEnd }));
}

/**
 * Connections that no filter chain took: none matches (plain text where STRICT holds), or TLS failed. Only the listener
 * can log them.
 */
const isRefused = anyOf(flagged("NR"), holds("has(connection.transport_failure_reason)"));

/** The line per connection that was turned away, whose client only sees it closed. */
export function refusalLogs(settings: MeshSettings): AccessLog[] {
  return logs(settings, refusedConnectionFormat).map((log) => ({ ...log, filter: isRefused }));
}
