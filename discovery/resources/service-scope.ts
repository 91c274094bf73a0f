import { createNearbyEndpoints, type NearbyEndpoints, type Sight } from "./nearby-endpoints.ts";
import { ownedResources } from "./owned-resources.ts";
import { createResourceSet, type ResourceSet } from "./resource-set.ts";
import type { ServiceResources } from "./service-resources.ts";

/** What many Services have brought, by kind. */
export interface ServiceSets {
  readonly clusters: ResourceSet;
  readonly endpoints: ResourceSet;
  readonly nearbyEndpoints: Pick<NearbyEndpoints, "from">;
  readonly listeners: ResourceSet;
  /** Route tables of single Services. */
  readonly serviceRoutes: ResourceSet;
}

/** The resources of the Services that the same proxies see. */
export interface ServiceScope {
  readonly sets: ServiceSets;
  /** What a Service has here now; nothing removes it. */
  replace(key: string, resources: ServiceResources): void;
  /** Brings the sets in line with all replacements since the last time. */
  flush(): void;
}

export function createServiceScope(sight: Sight): ServiceScope {
  const nearbyEndpoints = createNearbyEndpoints(sight);
  const sets: ServiceSets = {
    clusters: createResourceSet(),
    endpoints: createResourceSet(),
    nearbyEndpoints,
    listeners: createResourceSet(),
    serviceRoutes: createResourceSet(),
  };
  const owned = {
    clusters: ownedResources(sets.clusters),
    endpoints: ownedResources(sets.endpoints),
    listeners: ownedResources(sets.listeners),
    routes: ownedResources(sets.serviceRoutes),
  };
  return {
    sets,
    replace(key, resources) {
      owned.clusters.replace(key, resources.clusters);
      owned.endpoints.replace(key, resources.endpoints);
      nearbyEndpoints.replace(key, resources.nearby);
      owned.listeners.replace(key, resources.listeners);
      owned.routes.replace(key, resources.routes);
    },
    flush() {
      for (const owner of Object.values(owned)) owner.flush();
      nearbyEndpoints.flush();
    },
  };
}
