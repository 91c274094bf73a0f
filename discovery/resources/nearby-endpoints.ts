import type { Reach } from "../translate/locality.ts";
import type { Place } from "../translate/place.ts";
import type { Resource } from "../translate/resource.ts";
import { createResourceSet, type ResourceSet } from "./resource-set.ts";

/** Where a proxy stands, for Services of each reach. */
export type Places = Readonly<Record<Reach, Place>>;

/** Of a Service whose endpoints look different from different places: from how many, and what they are called. */
export interface Nearby {
  readonly reach: Reach;
  readonly names: readonly string[];
}

/**
 * Endpoints that look different from different places, as each place sees them. Proxies of one place share them, and there
 * are as many of them as places that a connected proxy is in: a few localities, and nodes where a Service prefers its
 * clients' own.
 */
export interface NearbyEndpoints {
  /** As proxies at these places see them; kept up to date for as long as somebody holds them. */
  from(places: Places): readonly ResourceSet[];
  /** Takes note that a Service changed. */
  replace(key: string, nearby: Nearby | undefined): void;
  /** Brings all in line with what changed since the last time. */
  flush(): void;
}

/** A Service's endpoints as they are now, from a place. */
export type Sight = (key: string, from: Place) => readonly Resource[];

/** The views of one reach. */
function createViews(sight: Sight) {
  const views = new Map<string, { readonly place: Place; readonly held: WeakRef<ResourceSet> }>();
  const services = new Map<string, readonly string[]>();
  const touched = new Set<string>();
  const gone = new Set<string>();
  const seen = (keys: Iterable<string>, place: Place) =>
    [...keys].filter((key) => services.has(key)).flatMap((key) => sight(key, place));

  return {
    replace(key: string, names: readonly string[]): void {
      const before = services.get(key);
      if (before === undefined && names.length === 0) return;
      for (const name of before ?? []) gone.add(name);
      for (const name of names) gone.delete(name);
      if (names.length === 0) services.delete(key);
      else services.set(key, names);
      touched.add(key);
    },
    flush(): void {
      if (touched.size === 0) return;
      for (const [key, { place, held }] of views) {
        const set = held.deref();
        if (set === undefined) views.delete(key);
        else set.update(seen(touched, place), gone);
      }
      touched.clear();
      gone.clear();
    },
    from(place: Place): ResourceSet {
      const known = views.get(place.key)?.held.deref();
      if (known !== undefined) return known;
      const set = createResourceSet(seen(services.keys(), place));
      views.set(place.key, { place, held: new WeakRef(set) });
      return set;
    },
  };
}

export function createNearbyEndpoints(sight: Sight): NearbyEndpoints {
  const views = { locality: createViews(sight), node: createViews(sight) };
  return {
    from: ({ locality, node }) => [views.locality.from(locality), views.node.from(node)],
    replace(key, nearby) {
      for (const reach of ["locality", "node"] as const)
        views[reach].replace(key, nearby?.reach === reach ? nearby.names : []);
    },
    flush() {
      views.locality.flush();
      views.node.flush();
    },
  };
}
