import type { Resource } from "../translate/resource.ts";

/** Resources that many proxies have, for as long as any has them. */
export interface SharedResources {
  /** The resource of the key, which must name all that it is made of; made when nobody has it. */
  get(key: string, make: () => Resource): Resource;
}

export function createSharedResources(): SharedResources {
  const known = new Map<string, WeakRef<Resource>>();
  const forgotten = new FinalizationRegistry<string>((key) => {
    if (known.get(key)?.deref() === undefined) known.delete(key);
  });
  return {
    get(key, make) {
      const found = known.get(key)?.deref();
      if (found !== undefined) return found;
      const made = make();
      known.set(key, new WeakRef(made));
      forgotten.register(made, key);
      return made;
    },
  };
}
