import { type Endpoint, endpointsFrom } from "./endpoint.ts";
import type { ObjectStore } from "./object-store.ts";
import type { ServiceObject } from "./objects.ts";
import { byAge, type PeerAuthentication, peerAuthenticationFrom } from "./peer-authentication.ts";
import { type Service, type ServiceDefaults, serviceFrom } from "./service.ts";
import { type Workload, workloadFrom } from "./workload.ts";

/** A Service with what stands behind it. */
export interface ServiceEntry {
  readonly service: Service;
  readonly endpoints: readonly Endpoint[];
}

/**
 * What the cluster is at one moment, as plain values by `namespace/name`. What did not change from one snapshot to the next
 * is the same object, so that a comparison by reference finds the changes.
 */
export interface Snapshot {
  readonly services: ReadonlyMap<string, ServiceEntry>;
  readonly workloads: ReadonlyMap<string, Workload>;
  /** Sorted by age. */
  readonly peerAuthentications: readonly PeerAuthentication[];
}

export const emptySnapshot: Snapshot = { services: new Map(), workloads: new Map(), peerAuthentications: [] };

/** What must be read again: Services (with their endpoints) and Pods by key, and whether the policies. */
export interface Dirty {
  readonly services: ReadonlySet<string>;
  readonly pods: ReadonlySet<string>;
  readonly policies: boolean;
}

function withChanges<T>(
  previous: ReadonlyMap<string, T>,
  keys: ReadonlySet<string>,
  read: (key: string) => T | undefined,
): ReadonlyMap<string, T> {
  if (keys.size === 0) return previous;
  const next = new Map(previous);
  for (const key of keys) {
    const value = read(key);
    if (value === undefined) next.delete(key);
    else next.set(key, value);
  }
  return next;
}

/** What a Service was read from, so that a change of its endpoints leaves it the same object. */
const sources = new WeakMap<Service, ServiceObject>();

function readService(
  previous: ServiceEntry | undefined,
  object: ServiceObject | undefined,
  defaults: ServiceDefaults,
): Service | undefined {
  if (object === undefined) return undefined;
  if (previous !== undefined && sources.get(previous.service) === object) return previous.service;
  const service = serviceFrom(object, defaults);
  if (service !== undefined) sources.set(service, object);
  return service;
}

/** The next snapshot from the objects as they are now; only what is dirty is read. */
export function nextSnapshot(
  previous: Snapshot,
  objects: ObjectStore,
  dirty: Dirty,
  defaults: ServiceDefaults,
): Snapshot {
  const workloads = withChanges(previous.workloads, dirty.pods, (key) => {
    const pod = objects.get("Pod", key);
    return pod === undefined ? undefined : workloadFrom(pod, objects.get("Node", pod.spec?.nodeName ?? ""));
  });
  const lookup = (namespace: string, name: string) => workloads.get(`${namespace}/${name}`);
  const services = withChanges(previous.services, dirty.services, (key) => {
    const service = readService(previous.services.get(key), objects.get("Service", key), defaults);
    if (service === undefined) return undefined;
    return { service, endpoints: endpointsFrom(service, objects.slicesOf(key), lookup) };
  });
  const peerAuthentications = dirty.policies
    ? objects.all("PeerAuthentication").map(peerAuthenticationFrom).sort(byAge)
    : previous.peerAuthentications;
  return { services, workloads, peerAuthentications };
}
