import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { type RetryPolicy, RetryPolicySchema } from "../proto/envoy/config/route/v3/route_components_pb.js";
import { unreachedHeader } from "./names.ts";

/**
 * Retries only what did not reach the application, as seen from here or from its sidecar, on another endpoint than before. Istio retries gRPC's UNAVAILABLE and
 * CANCELLED as well, which an application may have answered after it did the work.
 */
export const retryPolicy: RetryPolicy = create(RetryPolicySchema, {
  retryOn: "connect-failure,refused-stream,reset-before-request,retriable-headers",
  retriableHeaders: [{ name: unreachedHeader, headerMatchSpecifier: { case: "presentMatch", value: true } }],
  numRetries: 2,
  hostSelectionRetryMaxAttempts: 5n,
  retryHostPredicate: [
    {
      name: "envoy.retry_host_predicates.previous_hosts",
      configType: {
        case: "typedConfig",
        value: create(AnySchema, {
          typeUrl: "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        }),
      },
    },
  ],
});
