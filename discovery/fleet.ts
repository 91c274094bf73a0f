import type { Sources, TableStyle } from "./ads/stream-state.ts";
import type { ProxyIdentity } from "./identity/authentication.ts";
import type { HeldSecrets, WorkloadSecrets } from "./identity/workload-secrets.ts";
import { createPodArrivals, isSamePod, podKey } from "./pod-arrivals.ts";
import type { Workload } from "./registry/workload.ts";
import type { MeshChange, MeshResources } from "./resources/mesh-resources.ts";
import type { Places } from "./resources/nearby-endpoints.ts";
import { proxyResources } from "./resources/proxy-resources.ts";
import { createResourceSet, type ResourceSet, replaceAll } from "./resources/resource-set.ts";
import { deciding, type Reach } from "./translate/locality.ts";
import { workloadName } from "./translate/peer-workload.ts";
import { placeOf } from "./translate/place.ts";

/** A Pod's proxy, with all it may see, for as long as one of its streams is open. */
export interface ConnectedProxy {
  readonly identity: ProxyIdentity;
  readonly sources: (style: TableStyle) => Sources;
  /** Aborted when the Pod is gone: its streams end. */
  readonly gone: AbortSignal;
}

/** The proxies that are connected to this replica. */
export interface Fleet {
  /** The proxy of a Pod; undefined when the Pod is still unknown after the given time, or is another than the token's. */
  open(identity: ProxyIdentity, waitMs: number): Promise<ConnectedProxy | undefined>;
  close(proxy: ConnectedProxy): void;
  /** Brings every proxy's own resources in line with what changed. */
  update(change: MeshChange): void;
}

interface Member {
  readonly proxy: ConnectedProxy;
  readonly own: { readonly clusters: ResourceSet; readonly listeners: ResourceSet };
  readonly secrets: HeldSecrets;
  readonly abort: AbortController;
  workload: Workload;
  streams: number;
}

function placesOf({ view }: MeshResources, workload: Workload): Places {
  const place = (reach: Reach) => placeOf(workload, deciding(reach, view.settings.locality));
  return { locality: place("locality"), node: place("node") };
}

function isSamePlace(mesh: MeshResources, one: Workload, other: Workload): boolean {
  return placesOf(mesh, one).node.key === placesOf(mesh, other).node.key;
}

function createMember(mesh: MeshResources, identity: ProxyIdentity, workload: Workload, secrets: HeldSecrets): Member {
  const own = { clusters: createResourceSet(), listeners: createResourceSet() };
  const abort = new AbortController();
  const scope = mesh.scopeOf(identity.namespace);
  const places = placesOf(mesh, workload);
  const sources = (style: TableStyle): Sources => ({
    clusters: [mesh.clusters, scope.clusters, own.clusters],
    endpoints: [
      ...[mesh.endpoints, ...mesh.nearbyEndpoints.from(places)],
      ...[scope.endpoints, ...scope.nearbyEndpoints.from(places)],
    ],
    listeners: [mesh.listeners, scope.listeners, own.listeners],
    routes: [
      mesh.serviceRoutes,
      scope.serviceRoutes,
      style === "delegated" ? mesh.delegatedRoutes : mesh.routesOf(identity.namespace),
    ],
    virtualHosts: style === "delegated" ? mesh.virtualHostsOf(identity.namespace) : [],
    secrets: [secrets.set],
  });
  return { proxy: { identity, sources, gone: abort.signal }, own, secrets, abort, workload, streams: 0 };
}

export function createFleet(mesh: MeshResources, secrets: WorkloadSecrets): Fleet {
  const members = new Map<string, Member>();
  /** Those as well that a later Pod of the same name has taken the place of. */
  const byProxy = new Map<ConnectedProxy, Member>();
  const workloadOf = (key: string) => mesh.view.snapshot.workloads.get(key);
  const arrivals = createPodArrivals(workloadOf);

  /** A Pod whose key the kubelet made is told where its files are; no other key is made for it. */
  async function secretsFor(workload: Workload): Promise<HeldSecrets> {
    const { namespace, serviceAccount, certificateSigner } = workload;
    const isInPod = certificateSigner !== undefined && certificateSigner === mesh.view.settings.podCertificateSigner;
    return isInPod
      ? secrets.inPod()
      : await secrets.of({ namespace, serviceAccount, workload: workloadName(workload) });
  }

  function refresh({ own, workload }: Member): void {
    const { clusters, listeners } = proxyResources(mesh.view, workload);
    replaceAll(own.clusters, clusters);
    replaceAll(own.listeners, listeners);
  }

  function leave(member: Member): void {
    const { identity } = member.proxy;
    member.secrets.release();
    byProxy.delete(member.proxy);
    if (members.get(podKey(identity)) === member) members.delete(podKey(identity));
    const isLast = ![...byProxy.values()].some(({ proxy }) => proxy.identity.namespace === identity.namespace);
    if (isLast) mesh.dropNamespace(identity.namespace);
  }

  /** Takes note of a Pod that changed; its streams end when it is no longer the Pod, or where, that they are of. */
  function follow(key: string): void {
    const member = members.get(key);
    if (member === undefined) return;
    const workload = workloadOf(key);
    const isSame = isSamePod(workload, member.proxy.identity) && isSamePlace(mesh, workload, member.workload);
    if (isSame) member.workload = workload;
    else member.abort.abort();
  }

  return {
    async open(identity, waitMs) {
      const workload = await arrivals.wait(identity, waitMs);
      if (workload === undefined) return undefined;
      const held = await secretsFor(workload);
      const known = members.get(podKey(identity));
      const isKnown = known !== undefined && isSamePod(known.workload, identity);
      const member = isKnown ? known : createMember(mesh, identity, workload, held);
      if (isKnown) held.release();
      else refresh(member);
      members.set(podKey(identity), member);
      byProxy.set(member.proxy, member);
      member.streams += 1;
      return member.proxy;
    },
    close(proxy) {
      const member = byProxy.get(proxy);
      if (member === undefined) return;
      member.streams -= 1;
      if (member.streams === 0) leave(member);
    },
    update({ policies, workloads, namespaces }) {
      arrivals.notify(workloads);
      for (const key of workloads) follow(key);
      for (const [key, member] of members) {
        const isConcerned = policies || workloads.has(key) || namespaces.has(member.proxy.identity.namespace);
        if (isConcerned && !member.abort.signal.aborted) refresh(member);
      }
    },
  };
}
