import type { IpFamilies } from "../../mesh/envoy/address.ts";
import type { Workload } from "../registry/workload.ts";
import { inboundPorts } from "../translate/inbound.ts";
import { inboundCluster } from "../translate/inbound-cluster.ts";
import { virtualInbound } from "../translate/inbound-listener.ts";
import type { MeshView } from "../translate/mesh-view.ts";
import { virtualOutbound } from "../translate/outbound-listeners.ts";
import type { Resource } from "../translate/resource.ts";

/** The clusters and listeners that one Pod's proxy alone has. */
export interface ProxyResources {
  readonly clusters: readonly Resource[];
  readonly listeners: readonly Resource[];
}

function familiesOf({ addresses }: Workload): IpFamilies {
  return addresses.some((address) => address.includes(":")) ? "dual" : "ipv4";
}

/** The same for every Pod that takes traffic on the port. */
const inboundClusters = new Map<number, Resource>();

function knownInboundCluster(port: number): Resource {
  const known = inboundClusters.get(port) ?? inboundCluster(port);
  inboundClusters.set(port, known);
  return known;
}

export function proxyResources(view: MeshView, workload: Workload): ProxyResources {
  const inbound = inboundPorts(view, workload);
  const families = familiesOf(workload);
  return {
    clusters: inbound.ports.map(({ port }) => knownInboundCluster(port)),
    listeners: [virtualOutbound(view.settings, families), virtualInbound(view.settings, workload, inbound, families)],
  };
}
