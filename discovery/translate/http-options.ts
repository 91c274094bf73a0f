import { create } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { type Http1ProtocolOptions, Http1ProtocolOptionsSchema } from "../proto/envoy/config/core/v3/protocol_pb.js";
import type { RetryPolicy } from "../proto/envoy/config/route/v3/route_components_pb.js";
import { PreserveCaseFormatterConfigSchema } from "../proto/envoy/extensions/http/header_formatters/preserve_case/v3/preserve_case_pb.js";
import { HttpProtocolOptionsSchema } from "../proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { ServicePort } from "../registry/service.ts";
import { pack } from "./message.ts";
import { type Retries, retryPolicies } from "./retry.ts";

/** HTTP/1 with header names in the case that the application wrote them in. */
export const http1Options: Http1ProtocolOptions = create(Http1ProtocolOptionsSchema, {
  acceptHttp10: true,
  headerKeyFormat: {
    headerFormat: {
      case: "statefulFormatter",
      value: {
        name: "preserve_case",
        typedConfig: pack(PreserveCaseFormatterConfigSchema, { forwardReasonPhrase: true }),
      },
    },
  },
});

const httpOptionsName = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** HTTP/2 always, for ports that say so; else the version that the client speaks. */
function httpOptions(version: "http2" | "downstream", retries?: RetryPolicy): { [name: string]: Any } {
  const http2 = {};
  const upstreamProtocolOptions =
    version === "http2"
      ? {
          case: "explicitHttpConfig" as const,
          value: { protocolConfig: { case: "http2ProtocolOptions" as const, value: http2 } },
        }
      : {
          case: "useDownstreamProtocolConfig" as const,
          value: { httpProtocolOptions: http1Options, http2ProtocolOptions: http2 },
        };
  // In the cluster, and not in every route to it: so a route table stays small, which a new Service sends to everybody.
  return {
    [httpOptionsName]: pack(HttpProtocolOptionsSchema, {
      upstreamProtocolOptions,
      ...(retries && { retryPolicy: retries }),
    }),
  };
}

const variants = {
  http2: {
    everywhere: httpOptions("http2", retryPolicies.everywhere),
    "by-priority": httpOptions("http2", retryPolicies["by-priority"]),
  },
  downstream: {
    everywhere: httpOptions("downstream", retryPolicies.everywhere),
    "by-priority": httpOptions("downstream", retryPolicies["by-priority"]),
  },
} as const;

/** To the application itself nothing is tried again. */
export const downstreamHttp = httpOptions("downstream");

/** What a cluster says of HTTP to a Service's port; nothing where it is not HTTP. */
export function upstreamHttp({ protocol }: ServicePort, retries: Retries): { [name: string]: Any } {
  if (protocol === "tcp" || protocol === "tls") return {};
  return variants[protocol === "http2" || protocol === "grpc" ? "http2" : "downstream"][retries];
}
