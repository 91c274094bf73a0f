/**
 * How Kubernetes merges the lists of a Pod: by the named key of their items, as a set of values, or (when not named
 * here) as one value that the patch replaces.
 * Source: `patchStrategy` and `patchMergeKey` in the Kubernetes API reference.
 */
const mergeKeys: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  ephemeralContainers: "name",
  volumes: "name",
  env: "name",
  imagePullSecrets: "name",
  schedulingGates: "name",
  resourceClaims: "name",
  hostAliases: "ip",
  ports: "containerPort",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  topologySpreadConstraints: "topologyKey",
  ownerReferences: "uid",
};

/** Lists of plain values that are merged as sets. */
const mergedSets: ReadonlySet<string> = new Set(["finalizers"]);

export type ListStrategy =
  | { readonly kind: "keyed"; readonly key: string }
  | { readonly kind: "set" }
  | { readonly kind: "atomic" };

const atomic: ListStrategy = { kind: "atomic" };
const set: ListStrategy = { kind: "set" };
const strategies: ReadonlyMap<string, ListStrategy> = new Map<string, ListStrategy>([
  ...Object.entries(mergeKeys).map(([field, key]) => [field, { kind: "keyed", key }] as const),
  ...[...mergedSets].map((field) => [field, set] as const),
]);

/** How a list in this field of a Pod is merged. */
export function listStrategy(field: string): ListStrategy {
  return strategies.get(field) ?? atomic;
}
