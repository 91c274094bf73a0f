import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type AccessLogFilter, AccessLogFilterSchema } from "../proto/envoy/config/accesslog/v3/accesslog_pb.js";
import type { AccessLogType } from "../proto/envoy/data/accesslog/v3/accesslog_pb.js";
import { typedStruct } from "./message.ts";

type Specifier = NonNullable<MessageInitShape<typeof AccessLogFilterSchema>["filterSpecifier"]>;

function filter(filterSpecifier: Specifier): AccessLogFilter {
  return create(AccessLogFilterSchema, { filterSpecifier });
}

export function anyOf(...filters: AccessLogFilter[]): AccessLogFilter {
  return filter({ case: "orFilter", value: { filters } });
}

export function allOf(...filters: AccessLogFilter[]): AccessLogFilter {
  return filter({ case: "andFilter", value: { filters } });
}

/** Entries that are written at this point of a request's or connection's life. */
export function at(type: AccessLogType): AccessLogFilter {
  return filter({ case: "logTypeFilter", value: { types: [type] } });
}

/** Entries with one of these response flags. */
export function flagged(...flags: string[]): AccessLogFilter {
  return filter({ case: "responseFlagFilter", value: { flags } });
}

/**
 * Entries of which a CEL expression is true.
 * Source: https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/advanced/attributes
 */
export function holds(expression: string): AccessLogFilter {
  return filter({
    case: "extensionFilter",
    value: {
      name: "envoy.access_loggers.extension_filters.cel",
      configType: {
        case: "typedConfig",
        value: typedStruct("envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter", { expression }),
      },
    },
  });
}
