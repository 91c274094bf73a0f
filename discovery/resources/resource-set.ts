import type { Resource } from "../translate/resource.ts";

/**
 * Resources of one kind that one or many proxies see, with the order in which they changed. A proxy only remembers up to
 * which generation it has been told, and not what: two thousand proxies with a thousand resources each cost two thousand
 * numbers.
 */
export interface ResourceSet {
  get(name: string): Resource | undefined;
  values(): Iterable<Resource>;
  readonly size: number;
  readonly generation: number;
  /**
   * The names that came, changed or went after a generation. Undefined: it is so long ago that any may have.
   */
  changedSince(generation: number): ReadonlySet<string> | undefined;
  /** Replaces and removes resources; returns the names of those that are not what they were. */
  update(changes: Iterable<Resource>, removals?: Iterable<string>): ReadonlySet<string>;
}

/** Changes of this many generations are remembered; a proxy that is further behind gets everything. */
const rememberedGenerations = 256;

export function createResourceSet(initial: Iterable<Resource> = []): ResourceSet {
  const resources = new Map<string, Resource>();
  const log: ReadonlySet<string>[] = [];
  let generation = 0;

  const update: ResourceSet["update"] = (changes, removals = []) => {
    const changed = new Set<string>();
    for (const change of changes) {
      if (resources.get(change.name)?.version === change.version) continue;
      resources.set(change.name, change);
      changed.add(change.name);
    }
    for (const name of removals) if (resources.delete(name)) changed.add(name);
    if (changed.size > 0) {
      generation += 1;
      log.push(changed);
      if (log.length > rememberedGenerations) log.shift();
    }
    return changed;
  };

  update(initial);
  return {
    get: (name) => resources.get(name),
    values: () => resources.values(),
    get size() {
      return resources.size;
    },
    get generation() {
      return generation;
    },
    changedSince(since) {
      const behind = generation - since;
      if (behind > log.length) return undefined;
      if (behind === 1) return log.at(-1);
      return new Set(log.slice(log.length - behind).flatMap((names) => [...names]));
    },
    update,
  };
}

/** Makes the given resources all that the set holds. */
export function replaceAll(set: ResourceSet, resources: Iterable<Resource>): void {
  const next = [...resources];
  const kept = new Set(next.map(({ name }) => name));
  const names = [...set.values()].map(({ name }) => name);
  set.update(
    next,
    names.filter((name) => !kept.has(name)),
  );
}
