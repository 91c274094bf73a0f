import { create } from "@bufbuild/protobuf";
import { HealthStatus } from "../proto/envoy/config/core/v3/health_check_pb.js";
import {
  type LbEndpoint,
  LbEndpointSchema,
  LocalityLbEndpointsSchema,
} from "../proto/envoy/config/endpoint/v3/endpoint_components_pb.js";
import { ClusterLoadAssignmentSchema } from "../proto/envoy/config/endpoint/v3/endpoint_pb.js";
import type { Endpoint } from "../registry/endpoint.ts";
import type { ServicePort } from "../registry/service.ts";
import type { ServiceEntry } from "../registry/snapshot.ts";
import { endpointPort, type MeshView, takesMeshTls } from "./mesh-view.ts";
import { socketAddress } from "./message.ts";
import { metadataNamespace, outboundClusterName, podAddressKey, tlsModeKey } from "./names.ts";
import { type Resource, resource } from "./resource.ts";

const healthStatus = { healthy: HealthStatus.HEALTHY, draining: HealthStatus.DRAINING } as const;

/** What the client's metrics say of the endpoint that answered. */
function describedWorkload({ workload }: Endpoint) {
  if (workload === undefined) return {};
  const { owner, namespace, canonicalName, canonicalRevision } = workload;
  return { [metadataNamespace]: { workload: owner, namespace, name: canonicalName, revision: canonicalRevision } };
}

function metadataOf(view: MeshView, endpoint: Endpoint, port: number, headless: boolean) {
  return {
    filterMetadata: {
      ...(takesMeshTls(view, endpoint, port) ? { "envoy.transport_socket_match": { [tlsModeKey]: "istio" } } : {}),
      ...(headless ? { "envoy.lb": { [podAddressKey]: endpoint.address } } : {}),
      ...describedWorkload(endpoint),
    },
  };
}

function lbEndpoint(view: MeshView, endpoint: Endpoint, port: number, headless: boolean): LbEndpoint {
  return create(LbEndpointSchema, {
    hostIdentifier: { case: "endpoint", value: { address: socketAddress(endpoint.address, port) } },
    healthStatus: healthStatus[endpoint.health],
    metadata: metadataOf(view, endpoint, port, headless),
    loadBalancingWeight: 1,
  });
}

/** `region/zone/subzone` of an endpoint; its slice's zone counts where the Pod's node is not known. */
function localityOf({ workload, zone }: Endpoint) {
  return workload?.locality ?? { region: "", zone, subZone: "" };
}

/** The endpoints of one port of a Service, by locality, the localities in a fixed order. */
export function outboundEndpoints(view: MeshView, entry: ServiceEntry, port: ServicePort): Resource {
  const { service, endpoints } = entry;
  const headless = service.resolution.kind === "headless";
  const byLocality = new Map<string, { endpoint: Endpoint; lb: LbEndpoint }[]>();
  for (const endpoint of endpoints) {
    const number = endpointPort(endpoint, port);
    if (number === undefined) continue;
    const { region, zone, subZone } = localityOf(endpoint);
    const key = `${region}/${zone}/${subZone}`;
    const group = byLocality.get(key) ?? [];
    byLocality.set(key, group);
    group.push({ endpoint, lb: lbEndpoint(view, endpoint, number, headless) });
  }
  const groups = [...byLocality.entries()].sort(([one], [other]) => (one < other ? -1 : 1));
  const name = outboundClusterName(service.host, port.port);
  const assignment = create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: groups.map(([, group]) =>
      create(LocalityLbEndpointsSchema, {
        locality: group[0] === undefined ? {} : localityOf(group[0].endpoint),
        lbEndpoints: group.map(({ lb }) => lb),
        loadBalancingWeight: group.length,
      }),
    ),
  });
  return resource("endpoints", name, ClusterLoadAssignmentSchema, assignment);
}
