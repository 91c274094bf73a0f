import { create } from "@bufbuild/protobuf";
import {
  type AccessLog,
  type AccessLogFilter,
  AccessLogSchema,
} from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import { type JsonObject, typedStruct } from "./message.ts";

/** Labels of a metric: their values are texts with Envoy's command operators in them. */
export type Tags = Readonly<Record<string, string>>;

/** A metric with its labels. */
export function stat(name: string, tags: Tags): JsonObject {
  return { name, tags: Object.entries(tags).map(([key, value]) => ({ name: key, value_format: value })) };
}

/** An access logger that counts instead of writing; those of the log's entries that the filter lets through. */
export function statsLogger(counters: JsonObject[], histograms: JsonObject[], filter?: AccessLogFilter): AccessLog {
  return create(AccessLogSchema, {
    name: "envoy.access_loggers.stats",
    ...(filter && { filter }),
    configType: {
      case: "typedConfig",
      value: typedStruct("envoy.extensions.access_loggers.stats.v3.Config", { stats_scope: {}, counters, histograms }),
    },
  });
}
