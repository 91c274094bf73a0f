import type { Node } from "../proto/envoy/config/core/v3/base_pb.js";
import type { DeltaDiscoveryRequest, DiscoveryRequest } from "../proto/envoy/service/discovery/v3/discovery_pb.js";
import { type ResourceKind, resourceKinds, typeUrls } from "../translate/resource.ts";
import type { StreamState, TableStyle } from "./stream-state.ts";
import type { SubscriptionChange } from "./subscription.ts";

/** A request in either variant of the protocol, as the stream works with it. */
export interface Request {
  /** Undefined for a kind of resource that discovery has none of. */
  readonly kind: ResourceKind | undefined;
  readonly typeUrl: string;
  readonly nodeId: string;
  /** How the client takes route tables; it says who it is in its first request alone. */
  readonly tables: TableStyle;
  /** Empty in the first request of a kind. */
  readonly nonce: string;
  /** Envoy's words, when it refuses the response of that nonce. */
  readonly refusal: string | undefined;
  readonly change: SubscriptionChange;
}

const kindsByTypeUrl = new Map<string, ResourceKind>(resourceKinds.map((kind) => [typeUrls[kind], kind]));

/**
 * Envoy has taken virtual hosts one by one over the stream that all else comes by since 1.37; an older one refuses the
 * table. 1.40 is the first that this has been seen to work with.
 */
const firstWithVirtualHosts = { major: 1, minor: 40 } as const;

function tableStyle(node: Node | undefined): TableStyle {
  if (node?.userAgentVersionType.case !== "userAgentBuildVersion") return "whole";
  const { majorNumber = 0, minorNumber = 0 } = node.userAgentVersionType.value.version ?? {};
  const { major, minor } = firstWithVirtualHosts;
  const isNewEnough = majorNumber > major || (majorNumber === major && minorNumber >= minor);
  return node.userAgentName === "envoy" && isNewEnough ? "delegated" : "whole";
}

export function readDelta(request: DeltaDiscoveryRequest): Request {
  return {
    kind: kindsByTypeUrl.get(request.typeUrl),
    typeUrl: request.typeUrl,
    nodeId: request.node?.id ?? "",
    tables: tableStyle(request.node),
    nonce: request.responseNonce,
    refusal: request.errorDetail?.message,
    change: {
      subscribe: request.resourceNamesSubscribe,
      unsubscribe: request.resourceNamesUnsubscribe,
      had: new Map(Object.entries(request.initialResourceVersions)),
    },
  };
}

/**
 * The full variant names all that is wanted each time; here that becomes what is new and what is no longer wanted.
 * Undefined for a request that answers an older response than the last: another is under way.
 */
export function readFull(request: DiscoveryRequest, state: StreamState | undefined): Request | undefined {
  const kind = kindsByTypeUrl.get(request.typeUrl);
  const subscription = kind === undefined ? undefined : state?.subscriptions.get(kind);
  const isStale =
    subscription !== undefined && request.responseNonce !== "" && !subscription.inFlight.has(request.responseNonce);
  if (isStale && subscription.inFlight.size > 0) return undefined;
  const known = subscription?.names ?? new Set<string>();
  const wanted = new Set(request.resourceNames);
  return {
    kind,
    typeUrl: request.typeUrl,
    nodeId: request.node?.id ?? "",
    tables: "whole",
    nonce: request.responseNonce,
    refusal: request.errorDetail?.message,
    change: {
      subscribe: request.resourceNames.filter((name) => name !== "*" && !known.has(name)),
      unsubscribe: [...known].filter((name) => !wanted.has(name)),
      had: new Map(),
    },
  };
}
