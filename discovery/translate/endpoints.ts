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
import type { Locality } from "../registry/workload.ts";
import { distance, type Preference, shareOf, sharesFor } from "./locality.ts";
import { endpointPort, type MeshView, takesMeshTls } from "./mesh-view.ts";
import { socketAddress } from "./message.ts";
import { metadataNamespace, outboundClusterName, podAddressKey, tlsModeKey } from "./names.ts";
import { endpointLabels, localityAt, type Place } from "./place.ts";
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

interface Member {
  readonly endpoint: Endpoint;
  readonly lb: LbEndpoint;
}

/** Draining ones only while no other is there, or by their own address. */
function membersOf(view: MeshView, { service, endpoints }: ServiceEntry, port: ServicePort): Member[] {
  const isHeadless = service.resolution.kind === "headless";
  const all = endpoints.flatMap((endpoint) => {
    const number = endpointPort(endpoint, port);
    return number === undefined ? [] : [{ endpoint, lb: lbEndpoint(view, endpoint, number, isHeadless) }];
  });
  const healthy = all.filter(({ endpoint }) => endpoint.health === "healthy");
  return isHeadless || healthy.length === 0 ? all : healthy;
}

const localityName = ({ region, zone, subZone }: Locality) => `${region}/${zone}/${subZone}`;

/** Endpoints of one locality that clients prefer equally; 0 before 1. */
interface Group {
  readonly locality: Locality;
  readonly priority: number;
  readonly members: Member[];
  readonly weight: number;
}

/** In a fixed order. */
function grouped(members: readonly Member[], priorityOf: (endpoint: Endpoint) => number): Group[] {
  const byKey = Map.groupBy(members, ({ endpoint }) => `${priorityOf(endpoint)} ${localityName(endpoint.locality)}`);
  const sorted = [...byKey.entries()].sort(([one], [other]) => (one < other ? -1 : 1));
  return sorted.flatMap(([key, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const priority = Number.parseInt(key, 10);
    return [{ locality: first.endpoint.locality, priority, members: group, weight: group.length }];
  });
}

/** Envoy wants priorities without gaps. */
function priorities(preference: Preference, { labels }: Place, members: readonly Member[]) {
  const distances = new Map(
    members.map(({ endpoint }) => [endpoint, distance(preference, labels, endpointLabels(endpoint))] as const),
  );
  const steps = [...new Set(distances.values())].sort((one, other) => one - other);
  return (endpoint: Endpoint) => steps.indexOf(distances.get(endpoint) ?? 0);
}

/** Weights are whole numbers: a percent is this much, and is split among a share's localities by their endpoints. */
const percent = 10_000;

function shared(groups: readonly Group[], shares: ReadonlyMap<string, number>): Group[] {
  const entryOf = ({ locality }: Group) => shareOf(shares, locality);
  const sizes = new Map<string, number>();
  for (const group of groups) {
    const entry = entryOf(group);
    if (entry !== undefined) sizes.set(entry, (sizes.get(entry) ?? 0) + group.weight);
  }
  return groups.flatMap((group) => {
    const entry = entryOf(group);
    if (entry === undefined) return [];
    const whole = (shares.get(entry) ?? 0) * percent;
    return [{ ...group, weight: Math.max(1, Math.round((whole * group.weight) / (sizes.get(entry) ?? 1))) }];
  });
}

function assignment(entry: ServiceEntry, port: ServicePort, groups: readonly Group[]): Resource {
  const name = outboundClusterName(entry.service.host, port.port);
  const message = create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints: groups.map(({ locality, priority, members, weight }) =>
      create(LocalityLbEndpointsSchema, {
        locality,
        priority,
        lbEndpoints: members.map(({ lb }) => lb),
        loadBalancingWeight: weight,
      }),
    ),
  });
  return resource("endpoints", name, ClusterLoadAssignmentSchema, message);
}

/** The endpoints of one port of a Service, by locality, for clients that prefer none. */
export function outboundEndpoints(view: MeshView, entry: ServiceEntry, port: ServicePort): Resource {
  return assignment(
    entry,
    port,
    grouped(membersOf(view, entry, port), () => 0),
  );
}

/** The same for the clients of one place, by what the Service's clients prefer. */
export function endpointsNear(
  view: MeshView,
  entry: ServiceEntry,
  port: ServicePort,
  preference: Preference,
  from: Place,
): Resource {
  const members = membersOf(view, entry, port);
  const groups = grouped(members, priorities(preference, from, members));
  const shares = sharesFor(preference, localityAt(from));
  return assignment(entry, port, shares === undefined ? groups : shared(groups, shares));
}
