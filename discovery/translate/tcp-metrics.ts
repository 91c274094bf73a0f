import type { AccessLog } from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { AccessLogType } from "../proto/envoy/data/accesslog/v3/accesslog_pb.js";
import { allOf, anyOf, at, holds } from "./access-log-filter.ts";
import { stat, statsLogger, type Tags } from "./stats-logger.ts";

/** A connection has ended. */
export const atConnectionEnd = at(AccessLogType.TcpConnectionEnd);

/** One that reached its other end, or has ended without. So no connection closes that never opened. */
const atOpening = anyOf(
  at(AccessLogType.TcpUpstreamConnected),
  allOf(atConnectionEnd, holds("!has(upstream.address)")),
);

/**
 * Istio's standard metrics of connections. Bytes are counted when a connection ends.
 * Source: https://istio.io/latest/docs/reference/config/metrics/
 */
export function tcpMetrics(tags: Tags): AccessLog[] {
  const all = { ...tags, request_protocol: "tcp", response_flags: "%RESPONSE_FLAGS%" };
  const closed = [
    { stat: stat("istio_tcp_connections_closed_total", all), value_fixed: 1 },
    { stat: stat("istio_tcp_sent_bytes_total", all), value_format: "%BYTES_SENT%" },
    { stat: stat("istio_tcp_received_bytes_total", all), value_format: "%BYTES_RECEIVED%" },
  ];
  return [
    statsLogger([{ stat: stat("istio_tcp_connections_opened_total", all), value_fixed: 1 }], [], atOpening),
    statsLogger(closed, [], atConnectionEnd),
  ];
}
