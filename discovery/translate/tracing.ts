import { OpenTelemetryConfigSchema } from "../proto/envoy/config/trace/v3/opentelemetry_pb.js";
import { pack, typedStruct } from "./message.ts";
import { outboundClusterName } from "./names.ts";
import type { TracingSettings } from "./settings.ts";

const extensions = "envoy.extensions.tracers.opentelemetry";

/**
 * Whose spans they are stands in the sidecar's environment (`OTEL_RESOURCE_ATTRIBUTES`), which injection sets: so one
 * listener serves every Pod.
 */
const ownResource = {
  name: "envoy.tracers.opentelemetry.resource_detectors.environment",
  typedConfig: typedStruct(`${extensions}.resource_detectors.v3.EnvironmentResourceDetectorConfig`, {}),
};

/**
 * Who began the trace has decided, be it an application or the sidecar before this one, as W3C's trace context says; of
 * traces that begin here, a part is taken. Without a sampler Envoy decides anew at every hop, and takes the flag away.
 */
function sampler(percent: number) {
  return {
    name: "envoy.tracers.opentelemetry.samplers.parent_based",
    typedConfig: typedStruct(`${extensions}.samplers.v3.ParentBasedSamplerConfig`, {
      wrapped_sampler: {
        name: "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based",
        typed_config: {
          "@type": `type.googleapis.com/${extensions}.samplers.v3.TraceIdRatioBasedSamplerConfig`,
          sampling_percentage: { numerator: Math.round(percent * 10_000), denominator: "MILLION" },
        },
      },
    }),
  };
}

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
      randomSampling: { value: 100 },
      overallSampling: { value: 100 },
      provider: {
        name: "envoy.tracers.opentelemetry",
        configType: {
          case: "typedConfig" as const,
          value: pack(OpenTelemetryConfigSchema, {
            resourceDetectors: [ownResource],
            sampler: sampler(samplingPercent),
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
