import type { Resource } from "../translate/resource.ts";
import type { ResourceSet } from "./resource-set.ts";

/**
 * Resources of one kind from many owners into one set. Two owners may want the same name (a Pod behind two headless
 * Services has one address): the owner whose key comes first has it, on every replica.
 */
export interface OwnedResources {
  /** What an owner has now; nothing removes it. */
  replace(owner: string, resources: readonly Resource[]): void;
  /** Brings the set in line with all replacements since the last time. */
  flush(): void;
}

export function ownedResources(set: ResourceSet): OwnedResources {
  const byOwner = new Map<string, readonly Resource[]>();
  const claims = new Map<string, Map<string, Resource>>();
  const touched = new Set<string>();

  function winner(name: string): Resource | undefined {
    const owners = claims.get(name);
    if (owners === undefined || owners.size === 1) return owners?.values().next().value;
    const [first] = [...owners.keys()].sort();
    return first === undefined ? undefined : owners.get(first);
  }

  function release(owner: string): void {
    for (const { name } of byOwner.get(owner) ?? []) {
      touched.add(name);
      const owners = claims.get(name);
      owners?.delete(owner);
      if (owners?.size === 0) claims.delete(name);
    }
    byOwner.delete(owner);
  }

  return {
    replace(owner, resources) {
      release(owner);
      if (resources.length === 0) return;
      byOwner.set(owner, resources);
      for (const resource of resources) {
        const owners = claims.get(resource.name) ?? new Map<string, Resource>();
        claims.set(resource.name, owners.set(owner, resource));
        touched.add(resource.name);
      }
    },
    flush() {
      const names = [...touched];
      touched.clear();
      set.update(
        names.flatMap((name) => winner(name) ?? []),
        names.filter((name) => !claims.has(name)),
      );
    },
  };
}
