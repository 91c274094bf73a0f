import { create } from "@bufbuild/protobuf";
import { type CircuitBreakers, CircuitBreakersSchema } from "../proto/envoy/config/cluster/v3/circuit_breaker_pb.js";
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  Cluster_LbSubsetConfig_LbSubsetFallbackPolicy,
  ClusterSchema,
} from "../proto/envoy/config/cluster/v3/cluster_pb.js";
import {
  type OutlierDetection,
  OutlierDetectionSchema,
} from "../proto/envoy/config/cluster/v3/outlier_detection_pb.js";
import type { ServicePort } from "../registry/service.ts";
import type { ServiceEntry } from "../registry/snapshot.ts";
import { upstreamHttp } from "./http-options.ts";
import { preferenceOf } from "./locality.ts";
import { identitiesOf, type MeshView } from "./mesh-view.ts";
import { ads, milliseconds, socketAddress } from "./message.ts";
import { alpn, metadataNamespace, outboundClusterName, podAddressKey, tlsModeKey } from "./names.ts";
import { type Resource, resource } from "./resource.ts";
import { plainText, upstreamTls } from "./tls.ts";

const connectTimeoutMs = 10_000;
const unlimited = 4294967295;

/** A sidecar is not the place to queue: Kubernetes limits the application, and a user's policy may limit the mesh. */
export const unlimitedCircuits: CircuitBreakers = create(CircuitBreakersSchema, {
  thresholds: [
    {
      maxConnections: unlimited,
      maxPendingRequests: unlimited,
      maxRequests: unlimited,
      maxRetries: unlimited,
      trackRemaining: true,
    },
  ],
});

/**
 * An address that refuses or does not answer connections is left out before Kubernetes notices. Answers of the
 * application, 5xx among them, never are a reason: whether they should be is the user's to say.
 */
const outlierDetection: OutlierDetection = create(OutlierDetectionSchema, {
  splitExternalLocalOriginErrors: true,
  consecutiveLocalOriginFailure: 3,
  enforcingConsecutiveLocalOriginFailure: 100,
  enforcingLocalOriginSuccessRate: 0,
  enforcingSuccessRate: 0,
  enforcingConsecutiveGatewayFailure: 0,
  consecutive5xx: 0,
  enforcingConsecutive5xx: 0,
  interval: milliseconds(1000),
  baseEjectionTime: milliseconds(10_000),
  maxEjectionPercent: 50,
});

/** Mutual TLS to the endpoints that take it and plain text to the rest, chosen endpoint by endpoint. */
function automaticTls(identities: readonly string[], sni: string) {
  if (identities.length === 0) return {};
  return {
    transportSocketMatches: [
      {
        name: "tlsMode-istio",
        match: { [tlsModeKey]: "istio" },
        transportSocket: upstreamTls({ exact: identities }, sni, [alpn.mesh]),
      },
      { name: "tlsMode-disabled", match: {}, transportSocket: plainText },
    ],
  };
}

/** Lets a listener or route of one Pod choose that Pod among the cluster's endpoints. */
const podSubsets = {
  fallbackPolicy: Cluster_LbSubsetConfig_LbSubsetFallbackPolicy.ANY_ENDPOINT,
  subsetSelectors: [{ keys: [podAddressKey], singleHostPerSubset: true }],
};

/** What metrics say of the Service. */
function describedService({ service: { host, name, namespace } }: ServiceEntry) {
  return { filterMetadata: { [metadataNamespace]: { host, name, namespace } } };
}

/** Makes Envoy heed the weights of localities. */
const byLocalityWeight = {
  commonLbConfig: { localityConfigSpecifier: { case: "localityWeightedLbConfig" as const, value: {} } },
};

function discoveredCluster(view: MeshView, entry: ServiceEntry, port: ServicePort, name: string): Cluster {
  const { service } = entry;
  const preference = preferenceOf(service, view.settings.locality);
  const isDistributed = preference !== undefined && preference.distribute.length > 0;
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads },
    lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
    connectTimeout: milliseconds(connectTimeoutMs),
    circuitBreakers: unlimitedCircuits,
    outlierDetection,
    typedExtensionProtocolOptions: upstreamHttp(port, preference === undefined ? "everywhere" : "by-priority"),
    metadata: describedService(entry),
    ...automaticTls(identitiesOf(view, entry, port), `outbound_.${port.port}_._.${service.host}`),
    ...(isDistributed ? byLocalityWeight : {}),
    ...(service.resolution.kind === "headless" ? { lbSubsetConfig: podSubsets } : {}),
  });
}

/** A name outside the cluster, looked up by Envoy. */
function externalCluster(entry: ServiceEntry, host: string, port: ServicePort, name: string): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.STRICT_DNS },
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
    respectDnsTtl: true,
    lbPolicy: Cluster_LbPolicy.LEAST_REQUEST,
    connectTimeout: milliseconds(connectTimeoutMs),
    circuitBreakers: unlimitedCircuits,
    typedExtensionProtocolOptions: upstreamHttp(port, "everywhere"),
    metadata: describedService(entry),
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [{ hostIdentifier: { case: "endpoint", value: { address: socketAddress(host, port.port) } } }],
        },
      ],
    },
  });
}

/** The cluster of one port of a Service. */
export function outboundCluster(view: MeshView, entry: ServiceEntry, port: ServicePort): Resource {
  const { host, resolution } = entry.service;
  const name = outboundClusterName(host, port.port);
  const cluster =
    resolution.kind === "external-name"
      ? externalCluster(entry, resolution.host, port, name)
      : discoveredCluster(view, entry, port, name);
  return resource("clusters", name, ClusterSchema, cluster);
}
