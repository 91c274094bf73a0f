import type { ServiceEntry } from "../registry/snapshot.ts";
import { outboundCluster } from "../translate/cluster.ts";
import { outboundEndpoints } from "../translate/endpoints.ts";
import type { MeshView } from "../translate/mesh-view.ts";
import { serviceListeners } from "../translate/outbound-listeners.ts";
import type { Resource } from "../translate/resource.ts";
import { serviceRoutes } from "../translate/routes.ts";

/** Everything that one Service adds to what every proxy sees. */
export interface ServiceResources {
  readonly clusters: readonly Resource[];
  readonly endpoints: readonly Resource[];
  readonly listeners: readonly Resource[];
  readonly routes: readonly Resource[];
}

export const noResources: ServiceResources = { clusters: [], endpoints: [], listeners: [], routes: [] };

/** The resources of one Service. UDP is not Envoy's to carry: it passes beside it. */
export function serviceResources(view: MeshView, entry: ServiceEntry): ServiceResources {
  const ports = entry.service.ports.filter(({ protocol }) => protocol !== "udp");
  const { kind } = entry.service.resolution;
  return {
    clusters: ports.map((port) => outboundCluster(view, entry, port)),
    endpoints: kind === "external-name" ? [] : ports.map((port) => outboundEndpoints(view, entry, port)),
    listeners: ports.flatMap((port) => serviceListeners(view.settings, { entry, port })),
    routes:
      kind === "cluster-ip"
        ? ports.filter(({ protocol }) => protocol === "auto").map((port) => serviceRoutes(entry, port))
        : [],
  };
}
