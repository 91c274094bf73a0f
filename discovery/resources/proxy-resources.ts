import type { IpFamilies } from "../../mesh/envoy/address.ts";
import type { Workload } from "../registry/workload.ts";
import { type InboundPorts, inboundPorts } from "../translate/inbound.ts";
import { inboundCluster } from "../translate/inbound-cluster.ts";
import { virtualInbound } from "../translate/inbound-listener.ts";
import type { MeshView } from "../translate/mesh-view.ts";
import { virtualOutbound } from "../translate/outbound-listeners.ts";
import type { Resource } from "../translate/resource.ts";
import type { MeshSettings } from "../translate/settings.ts";
import { createSharedResources } from "./shared-resources.ts";

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

/**
 * The listeners of Pods that are alike, as a workload's replicas are: 50 kB each, which are made and kept once. They are
 * forgotten when no proxy has them any more.
 */
const sharedListeners = createSharedResources();

/** All that makes a Pod's listeners what they are. */
function listenersKey(settings: MeshSettings, workload: Workload, inbound: InboundPorts, families: IpFamilies): string {
  const { namespace, owner, canonicalName, canonicalRevision, serviceAccount } = workload;
  const ports = inbound.ports.map(({ port, protocol, service, mode }) => [port, protocol, service.host, mode]);
  const others = [inbound.mode, ...inbound.otherPortModes];
  return JSON.stringify([
    settings,
    namespace,
    owner,
    canonicalName,
    canonicalRevision,
    serviceAccount,
    ports,
    others,
    families,
  ]);
}

export function proxyResources(view: MeshView, workload: Workload): ProxyResources {
  const { settings } = view;
  const inbound = inboundPorts(view, workload);
  const families = familiesOf(workload);
  const key = listenersKey(settings, workload, inbound, families);
  return {
    clusters: inbound.ports.map(({ port }) => knownInboundCluster(port)),
    listeners: [
      sharedListeners.get(JSON.stringify([settings, families]), () => virtualOutbound(settings, families)),
      sharedListeners.get(key, () => virtualInbound(settings, workload, inbound, families)),
    ],
  };
}
