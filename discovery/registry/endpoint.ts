import type { EndpointSliceObject } from "./objects.ts";
import type { Service } from "./service.ts";
import type { Locality, Workload } from "./workload.ts";

/** `draining`: still serves what it has, and gets nothing new while a healthy one is there. */
export type EndpointHealth = "healthy" | "draining";

/** One address behind a Service. */
export interface Endpoint {
  readonly address: string;
  readonly health: EndpointHealth;
  /** The address's port for each of the Service's port names. */
  readonly ports: ReadonlyMap<string, number>;
  /** The Pod's, and of its slice as much as is known where there is no Pod. */
  readonly locality: Locality;
  /** The node that it is on; empty where that is not known. */
  readonly node: string;
  /** What the Pod is called in DNS below a headless Service. */
  readonly hostname: string;
  /** The Pod behind the address, where there is one. */
  readonly workload: Workload | undefined;
}

type SliceEndpoint = NonNullable<EndpointSliceObject["endpoints"]>[number];

/** Absent conditions mean yes, as the API has it. */
function healthOf({ conditions = {} }: SliceEndpoint): EndpointHealth | undefined {
  const { ready = true, serving = ready, terminating = false } = conditions;
  if (ready && !terminating) return "healthy";
  return serving && terminating ? "draining" : undefined;
}

function portsOf(slice: EndpointSliceObject): Map<string, number> {
  const ports = new Map<string, number>();
  for (const { name = "", port } of slice.ports ?? []) if (port !== undefined) ports.set(name, port);
  return ports;
}

export type WorkloadLookup = (namespace: string, name: string) => Workload | undefined;

function endpointFrom(
  service: Service,
  given: SliceEndpoint,
  ports: ReadonlyMap<string, number>,
  lookup: WorkloadLookup,
): Endpoint[] {
  const health = healthOf(given);
  if (health === undefined) return [];
  const { kind, name, namespace = service.namespace } = given.targetRef ?? {};
  const workload = kind === "Pod" && name !== undefined ? lookup(namespace, name) : undefined;
  const locality = workload?.locality ?? { region: "", zone: given.zone ?? "", subZone: "" };
  const node = given.nodeName ?? workload?.node ?? "";
  return given.addresses
    .slice(0, 1)
    .map((address) => ({ address, health, ports, locality, node, hostname: given.hostname ?? "", workload }));
}

/**
 * The endpoints of a Service, from all its slices, by address. An address in two slices (it moves from one to the other
 * in two steps) counts once, and healthy if it is so in either.
 */
export function endpointsFrom(
  service: Service,
  slices: readonly EndpointSliceObject[],
  lookup: WorkloadLookup,
): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType === "FQDN") continue;
    const ports = portsOf(slice);
    for (const endpoint of (slice.endpoints ?? []).flatMap((given) => endpointFrom(service, given, ports, lookup))) {
      const known = found.get(endpoint.address);
      if (known === undefined) found.set(endpoint.address, endpoint);
      else {
        const health = known.health === "healthy" ? known.health : endpoint.health;
        found.set(endpoint.address, { ...known, health, ports: new Map([...known.ports, ...endpoint.ports]) });
      }
    }
  }
  return [...found.values()].sort((one, other) => (one.address < other.address ? -1 : 1));
}
