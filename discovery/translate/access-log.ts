import { create } from "@bufbuild/protobuf";
import { type AccessLog, AccessLogSchema } from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { StdoutAccessLogSchema } from "../proto/envoy/extensions/access_loggers/stream/v3/stream_pb.js";
import { pack } from "./message.ts";

/**
 * One JSON object a line, with Istio's field names, and with the identities of both ends, which the text format has no
 * place for.
 * Source: https://istio.io/latest/docs/tasks/observability/logs/access-log/
 */
const fields = {
  start_time: "%START_TIME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  downstream_transport_failure_reason: "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%COMMON_DURATION(US_TX_END:US_RX_BEG:ms)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_cluster: "%UPSTREAM_CLUSTER%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  route_name: "%ROUTE_NAME%",
  downstream_peer: "%DOWNSTREAM_PEER_URI_SAN%",
  upstream_peer: "%UPSTREAM_PEER_URI_SAN%",
  trace_id: "%TRACE_ID%",
} as const;

export const jsonAccessLog: AccessLog = create(AccessLogSchema, {
  name: "envoy.access_loggers.stdout",
  configType: {
    case: "typedConfig",
    value: pack(StdoutAccessLogSchema, {
      accessLogFormat: { case: "logFormat", value: { format: { case: "jsonFormat", value: { ...fields } } } },
    }),
  },
});
