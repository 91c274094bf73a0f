import { create } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  type RetryPolicy,
  RetryPolicy_RetryPrioritySchema,
  RetryPolicySchema,
} from "../proto/envoy/config/route/v3/route_components_pb.js";
import { PreviousPrioritiesConfigSchema } from "../proto/envoy/extensions/retry/priority/previous_priorities/v3/previous_priorities_config_pb.js";
import { pack } from "./message.ts";
import { unreachedHeader } from "./names.ts";

/**
 * Retries only what did not reach the application, as seen from here or from its sidecar, on another endpoint than before.
 * Istio retries gRPC's UNAVAILABLE and CANCELLED as well, which an application may have answered after it did the work.
 */
const onAnyEndpoint: RetryPolicy = create(RetryPolicySchema, {
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

/** Among endpoints of the next priority: there may be no other of the same. */
const onNextPriority: RetryPolicy = create(RetryPolicySchema, {
  ...onAnyEndpoint,
  retryPriority: create(RetryPolicy_RetryPrioritySchema, {
    name: "envoy.retry_priorities.previous_priorities",
    configType: { case: "typedConfig", value: pack(PreviousPrioritiesConfigSchema, { updateFrequency: 1 }) },
  }),
});

/** By where another try goes: to any endpoint, or past those that are preferred. */
export const retryPolicies = { everywhere: onAnyEndpoint, "by-priority": onNextPriority } as const;

export type Retries = keyof typeof retryPolicies;
