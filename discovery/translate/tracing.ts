import { OpenTelemetryConfigSchema } from "../proto/envoy/config/trace/v3/opentelemetry_pb.js";
import { pack } from "./message.ts";
import { outboundClusterName } from "./names.ts";
import type { TracingSettings } from "./settings.ts";

/**
 * The part of an HTTP filter that makes spans. Without a collector there is none, and trace context passes through as the
 * application sends it.
 */
export function tracing(settings: TracingSettings | undefined) {
  if (settings === undefined) return {};
  const { host, port, samplingPercent } = settings;
  return {
    tracing: {
      clientSampling: { value: 100 },
      randomSampling: { value: samplingPercent },
      overallSampling: { value: 100 },
      provider: {
        name: "envoy.tracers.opentelemetry",
        configType: {
          case: "typedConfig" as const,
          value: pack(OpenTelemetryConfigSchema, {
            grpcService: {
              targetSpecifier: {
                case: "envoyGrpc",
                value: { clusterName: outboundClusterName(host, port), authority: host },
              },
            },
          }),
        },
      },
    },
  };
}
