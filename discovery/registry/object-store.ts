import {
  type Change,
  type EndpointSliceObject,
  type Kind,
  type ObjectsByKind,
  objectKey,
  type PodObject,
} from "./objects.ts";
import type { Dirty } from "./snapshot.ts";
import { localityOf } from "./workload.ts";

/**
 * The objects as they are now, by kind and key, with what changed since the last look. It holds the raw objects; reading
 * them is the snapshot's work.
 */
export interface ObjectStore {
  apply(change: Change): void;
  get<K extends Kind>(kind: K, key: string): ObjectsByKind[K] | undefined;
  all<K extends Kind>(kind: K): ObjectsByKind[K][];
  /** The EndpointSlices of a Service, by the Service's key. */
  slicesOf(serviceKey: string): EndpointSliceObject[];
  /** What changed since the last call. */
  takeDirty(): Dirty;
}

const serviceNameLabel = "kubernetes.io/service-name";

function serviceOf(slice: EndpointSliceObject): string | undefined {
  const name = slice.metadata?.labels?.[serviceNameLabel];
  return name === undefined ? undefined : `${slice.metadata?.namespace ?? "default"}/${name}`;
}

function podsOf(slice: EndpointSliceObject): string[] {
  return (slice.endpoints ?? [])
    .map(({ targetRef }) => targetRef)
    .filter((target) => target?.kind === "Pod" && target.name !== undefined)
    .map((target) => `${target?.namespace ?? slice.metadata?.namespace ?? "default"}/${target?.name}`);
}

/** A map from keys to sets of keys. */
function multimap() {
  const entries = new Map<string, Set<string>>();
  return {
    add(key: string, value: string): void {
      const values = entries.get(key);
      if (values === undefined) entries.set(key, new Set([value]));
      else values.add(value);
    },
    remove(key: string, value: string): void {
      const values = entries.get(key);
      if (values?.delete(value) === true && values.size === 0) entries.delete(key);
    },
    get: (key: string): ReadonlySet<string> => entries.get(key) ?? new Set(),
  };
}

export function createObjectStore(): ObjectStore {
  const objects = new Map<Kind, Map<string, unknown>>();
  const slicesByService = multimap();
  const slicesByPod = multimap();
  const podsByNode = multimap();
  let services = new Set<string>();
  let pods = new Set<string>();
  let policies = false;

  const ofKind = <K extends Kind>(kind: K): Map<string, ObjectsByKind[K]> => {
    const known = objects.get(kind) ?? new Map<string, unknown>();
    objects.set(kind, known);
    return known as Map<string, ObjectsByKind[K]>;
  };

  const touchPod = (key: string): void => {
    pods.add(key);
    for (const sliceKey of slicesByPod.get(key)) {
      const slice = ofKind("EndpointSlice").get(sliceKey);
      const service = slice === undefined ? undefined : serviceOf(slice);
      if (service !== undefined) services.add(service);
    }
  };

  const indexSlice = (key: string, slice: EndpointSliceObject, step: "add" | "remove"): void => {
    const service = serviceOf(slice);
    if (service === undefined) return;
    services.add(service);
    slicesByService[step](service, key);
    for (const pod of podsOf(slice)) slicesByPod[step](pod, key);
  };

  const indexPod = (key: string, pod: PodObject, step: "add" | "remove"): void => {
    if (pod.spec?.nodeName !== undefined) podsByNode[step](pod.spec.nodeName, key);
  };

  const touchNode = (key: string, { object, deleted }: Extract<Change, { kind: "Node" }>): void => {
    const before = JSON.stringify(localityOf(ofKind("Node").get(key)));
    if (before === JSON.stringify(localityOf(deleted ? undefined : object))) return;
    for (const pod of podsByNode.get(key)) touchPod(pod);
  };

  /** Brings indexes and dirty marks in line with a change, before the object itself is replaced. */
  const index = (key: string, change: Change): void => {
    switch (change.kind) {
      case "Service":
        services.add(key);
        return;
      case "EndpointSlice": {
        const before = ofKind("EndpointSlice").get(key);
        if (before !== undefined) indexSlice(key, before, "remove");
        if (!change.deleted) indexSlice(key, change.object, "add");
        return;
      }
      case "Pod": {
        const before = ofKind("Pod").get(key);
        if (before !== undefined) indexPod(key, before, "remove");
        if (!change.deleted) indexPod(key, change.object, "add");
        touchPod(key);
        return;
      }
      case "Node":
        touchNode(key, change);
        return;
      case "PeerAuthentication":
        policies = true;
        return;
      case "Namespace":
        return;
    }
  };

  return {
    apply(change) {
      const key = objectKey(change.object);
      index(key, change);
      if (change.deleted) ofKind(change.kind).delete(key);
      else ofKind<Kind>(change.kind).set(key, change.object);
    },
    get: (kind, key) => ofKind(kind).get(key),
    all: (kind) => [...ofKind(kind).values()],
    slicesOf(serviceKey) {
      const slices = ofKind("EndpointSlice");
      return [...slicesByService.get(serviceKey)].sort().flatMap((key) => slices.get(key) ?? []);
    },
    takeDirty() {
      const dirty: Dirty = { services, pods, policies };
      services = new Set();
      pods = new Set();
      policies = false;
      return dirty;
    },
  };
}
