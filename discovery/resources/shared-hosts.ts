import type { Visibility } from "../registry/visibility.ts";
import { virtualHostResource } from "../translate/delegated-routes.ts";
import type { Resource } from "../translate/resource.ts";
import type { DomainClaims, ServiceHost } from "./domain-claims.ts";
import { createResourceSet, type ResourceSet } from "./resource-set.ts";

/** The virtual hosts that all viewers of a Service know alike, in sets that proxies share. */
export interface SharedHosts {
  readonly everywhere: ResourceSet;
  /** Those that only some namespaces see, this one among them. */
  of(namespace: string): ResourceSet;
  /** Hosts of which another wants a domain: who has it depends on who looks. They stand in none of the sets. */
  readonly contested: ReadonlySet<ServiceHost>;
  /** Brings the sets in line with the claims. */
  flush(): void;
}

export function encodedHost(host: ServiceHost): Resource {
  host.resource ??= virtualHostResource(host.port, host.host);
  return host.resource;
}

/** Resources by name; undefined for one that goes. */
type SetUpdate = Map<string, Resource | undefined>;

function apply(set: ResourceSet, update: SetUpdate): void {
  set.update(
    [...update.values()].filter((resource) => resource !== undefined),
    [...update].filter(([, resource]) => resource === undefined).map(([name]) => name),
  );
}

export function createSharedHosts(claims: DomainClaims): SharedHosts {
  const everywhere = createResourceSet();
  const scopes = new Map<string, ResourceSet>();
  const contested = new Set<ServiceHost>();

  function scopeOf(namespace: string): ResourceSet {
    const scope = scopes.get(namespace) ?? createResourceSet();
    scopes.set(namespace, scope);
    return scope;
  }

  function setsOf(visibility: Visibility): ResourceSet[] {
    return visibility === "everywhere" ? [everywhere] : [...visibility].map(scopeOf);
  }

  function note(host: ServiceHost): void {
    if (claims.isContested(host)) contested.add(host);
    else contested.delete(host);
  }

  return {
    everywhere,
    of: scopeOf,
    contested,
    flush() {
      const updates = new Map<ResourceSet, SetUpdate>();
      // What went comes first: what has come in its place may have the same name.
      const touched = [...claims.takeTouched()].sort(
        (one, other) => Number(claims.has(one)) - Number(claims.has(other)),
      );
      for (const host of touched) {
        note(host);
        const resource = encodedHost(host);
        for (const set of setsOf(host.visibility)) {
          const update = updates.get(set) ?? (new Map() as SetUpdate);
          const isIn = claims.has(host) && !contested.has(host);
          updates.set(set, update.set(resource.name, isIn ? resource : undefined));
        }
      }
      for (const [set, update] of updates) apply(set, update);
    },
  };
}
