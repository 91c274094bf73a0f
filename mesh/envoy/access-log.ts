import type { Extension } from "./message.ts";
import { extension } from "./message.ts";

/**
 * Istio's default access log line, so that existing parsers go on working. The response header
 * `x-envoy-upstream-service-time` stands in it; we take the same duration from Envoy's clock instead, and leave the
 * application's responses as they are.
 * Source: https://istio.io/latest/docs/tasks/observability/logs/access-log/#default-access-log-format
 */
export const accessLogFormat = [
  "[%START_TIME%]",
  '"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%"',
  "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS%",
  '"%UPSTREAM_TRANSPORT_FAILURE_REASON%"',
  "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %COMMON_DURATION(US_TX_END:US_RX_BEG:ms)%",
  '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%"',
  '"%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS%',
  "%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%",
].join(" ");

/** The same line for a connection that was turned away: why TLS failed stands where the way on would have failed. */
export const refusedConnectionFormat = accessLogFormat.replace(
  "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%",
);

/** An access logger that writes one line a request or connection to standard output. */
export function standardOutputAccessLog(format: string = accessLogFormat): Extension {
  const text = format.endsWith("\n") ? format : `${format}\n`;
  return extension("envoy.access_loggers.stdout", "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog", {
    log_format: { text_format_source: { inline_string: text } },
  });
}
