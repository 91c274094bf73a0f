import { create } from "@bufbuild/protobuf";
import {
  type AccessLog,
  type AccessLogFilter,
  AccessLogFilterSchema,
} from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { AccessLogType } from "../proto/envoy/data/accesslog/v3/accesslog_pb.js";
import { typedStruct } from "./message.ts";
import { stat, statsLogger, type Tags } from "./stats-logger.ts";

function at(type: AccessLogType): AccessLogFilter {
  return create(AccessLogFilterSchema, { filterSpecifier: { case: "logTypeFilter", value: { types: [type] } } });
}

/** A connection has ended. */
export const atConnectionEnd = at(AccessLogType.TcpConnectionEnd);

const isUnconnected = create(AccessLogFilterSchema, {
  filterSpecifier: {
    case: "extensionFilter",
    value: {
      name: "envoy.access_loggers.extension_filters.cel",
      configType: {
        case: "typedConfig",
        value: typedStruct("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", {
          expression: "!has(upstream.address)",
        }),
      },
    },
  },
});

/** One that reached its other end, or has ended without. So no connection closes that never opened. */
const atOpening = create(AccessLogFilterSchema, {
  filterSpecifier: {
    case: "orFilter",
    value: {
      filters: [
        at(AccessLogType.TcpUpstreamConnected),
        { filterSpecifier: { case: "andFilter", value: { filters: [atConnectionEnd, isUnconnected] } } },
      ],
    },
  },
});

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
