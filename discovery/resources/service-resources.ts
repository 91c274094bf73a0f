import type { ServiceEntry } from "../registry/snapshot.ts";
import { outboundCluster } from "../translate/cluster.ts";
import { endpointsNear, outboundEndpoints } from "../translate/endpoints.ts";
import { preferenceOf, reachOf } from "../translate/locality.ts";
import type { MeshView } from "../translate/mesh-view.ts";
import { outboundClusterName } from "../translate/names.ts";
import { serviceListeners } from "../translate/outbound-listeners.ts";
import type { Place } from "../translate/place.ts";
import type { Resource } from "../translate/resource.ts";
import { serviceRoutes } from "../translate/routes.ts";
import type { Nearby } from "./nearby-endpoints.ts";

/** Everything that one Service adds to what every proxy sees. */
export interface ServiceResources {
  readonly clusters: readonly Resource[];
  readonly endpoints: readonly Resource[];
  /** Set where endpoints look different from different places: there are none in `endpoints` then. */
  readonly nearby: Nearby | undefined;
  readonly listeners: readonly Resource[];
  readonly routes: readonly Resource[];
}

export const noResources: ServiceResources = {
  clusters: [],
  endpoints: [],
  nearby: undefined,
  listeners: [],
  routes: [],
};

/** UDP is not Envoy's to carry: it passes beside it. */
function carriedPorts({ service }: ServiceEntry) {
  return service.ports.filter(({ protocol }) => protocol !== "udp");
}

/** The endpoints of one Service as they are seen from a place. */
export function nearbyEndpoints(view: MeshView, entry: ServiceEntry, from: Place): readonly Resource[] {
  const preference = preferenceOf(entry.service, view.settings.locality);
  if (preference === undefined) return [];
  return carriedPorts(entry).map((port) => endpointsNear(view, entry, port, preference, from));
}

/** The resources of one Service. */
export function serviceResources(view: MeshView, entry: ServiceEntry): ServiceResources {
  const ports = carriedPorts(entry);
  const { kind } = entry.service.resolution;
  const preference = preferenceOf(entry.service, view.settings.locality);
  const isShared = kind !== "external-name" && preference === undefined;
  return {
    clusters: ports.map((port) => outboundCluster(view, entry, port)),
    endpoints: isShared ? ports.map((port) => outboundEndpoints(view, entry, port)) : [],
    nearby: preference && {
      reach: reachOf(preference),
      names: ports.map(({ port }) => outboundClusterName(entry.service.host, port)),
    },
    listeners: ports.flatMap((port) => serviceListeners(view.settings, { entry, port })),
    routes:
      kind === "cluster-ip"
        ? ports.filter(({ protocol }) => protocol === "auto").map((port) => serviceRoutes(entry, port))
        : [],
  };
}
