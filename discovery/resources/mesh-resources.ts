import type { ServiceEntry, Snapshot } from "../registry/snapshot.ts";
import { emptySnapshot } from "../registry/snapshot.ts";
import { type MeshView, meshView } from "../translate/mesh-view.ts";
import { portListener } from "../translate/outbound-listeners.ts";
import type { MeshSettings } from "../translate/settings.ts";
import type { Sight } from "./nearby-endpoints.ts";
import type { ResourceSet } from "./resource-set.ts";
import { createRouteTables } from "./route-tables.ts";
import { nearbyEndpoints, noResources, serviceResources } from "./service-resources.ts";
import { createServiceScope, type ServiceScope, type ServiceSets } from "./service-scope.ts";
import { createVirtualHosts } from "./virtual-hosts.ts";

/** What a new snapshot changed, for those who depend on it. */
export interface MeshChange {
  readonly policies: boolean;
  /** Keys of workloads that are other than before. */
  readonly workloads: ReadonlySet<string>;
  /** Namespaces with a Service that is other than before, its endpoints apart. */
  readonly namespaces: ReadonlySet<string>;
}

/** The resources that proxies share, kept in line with the snapshot: those of Services that all namespaces see. */
export interface MeshResources extends ServiceSets {
  readonly view: MeshView;
  /** Those of Services that only some namespaces see, this one among them. */
  scopeOf(namespace: string): ServiceSets;
  /** Route tables of ports with all that a namespace sees in them. */
  routesOf(namespace: string): ResourceSet;
  /** Route tables of ports whose virtual hosts are resources of their own. */
  readonly delegatedRoutes: ResourceSet;
  /** The virtual hosts of such tables, as a namespace sees them: the first set that has a name counts. */
  virtualHostsOf(namespace: string): readonly ResourceSet[];
  dropNamespace(namespace: string): void;
  update(snapshot: Snapshot): MeshChange;
}

/** The keys whose values are not the same object in both. */
function changedKeys<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): Set<string> {
  const changed = new Set<string>();
  if (before === after) return changed;
  for (const [key, value] of after) if (before.get(key) !== value) changed.add(key);
  for (const key of before.keys()) if (!after.has(key)) changed.add(key);
  return changed;
}

function changedNamespaces(keys: ReadonlySet<string>, before: Snapshot, after: Snapshot): Set<string> {
  const other = [...keys].filter((key) => before.services.get(key)?.service !== after.services.get(key)?.service);
  return new Set(other.map((key) => key.split("/", 1)[0] ?? ""));
}

export function createMeshResources(settings: MeshSettings): MeshResources {
  const sight: Sight = (key, from) => {
    const entry = view.snapshot.services.get(key);
    return entry === undefined ? [] : nearbyEndpoints(view, entry, from);
  };
  const everywhere = createServiceScope(sight);
  const scopes = new Map<string, ServiceScope>();
  /** The scopes that a Service stands in. */
  const placed = new Map<string, readonly ServiceScope[]>();
  const tables = createRouteTables();
  const virtualHosts = createVirtualHosts();
  let view = meshView(emptySnapshot, settings);
  let listenedPorts = new Set<number>();

  function scopeOf(namespace: string): ServiceScope {
    const scope = scopes.get(namespace) ?? createServiceScope(sight);
    scopes.set(namespace, scope);
    return scope;
  }

  function scopesOf({ service: { visibility } }: ServiceEntry): ServiceScope[] {
    return visibility === "everywhere" ? [everywhere] : [...visibility].map(scopeOf);
  }

  function replace(key: string, entry: ServiceEntry | undefined): void {
    const resources = entry === undefined ? noResources : serviceResources(view, entry);
    const next = entry === undefined ? [] : scopesOf(entry);
    for (const scope of placed.get(key) ?? []) if (!next.includes(scope)) scope.replace(key, noResources);
    for (const scope of next) scope.replace(key, resources);
    if (next.length === 0) placed.delete(key);
    else placed.set(key, next);
    tables.replace(key, entry);
    virtualHosts.replace(key, entry);
  }

  function updatePortListeners(): void {
    const ports = new Set(tables.ports());
    for (const port of ports)
      if (!listenedPorts.has(port))
        everywhere.replace(`:${port}`, { ...noResources, listeners: [portListener(settings, port)] });
    for (const port of listenedPorts) if (!ports.has(port)) everywhere.replace(`:${port}`, noResources);
    listenedPorts = ports;
    virtualHosts.setPorts(view, ports);
  }

  /** What an ExternalName leads to depends on which Services there are. */
  function refreshAliases(namespaces: ReadonlySet<string>): void {
    if (namespaces.size === 0) return;
    for (const [key, entry] of view.snapshot.services) {
      if (entry.service.resolution.kind !== "external-name") continue;
      for (const each of [tables, virtualHosts]) {
        each.replace(key, undefined);
        each.replace(key, entry);
      }
    }
  }

  return {
    get view() {
      return view;
    },
    ...everywhere.sets,
    scopeOf: (namespace) => scopeOf(namespace).sets,
    routesOf: (namespace) => tables.of(namespace, view),
    delegatedRoutes: virtualHosts.tables,
    virtualHostsOf: (namespace) => virtualHosts.of(namespace, view),
    dropNamespace(namespace) {
      tables.drop(namespace);
      virtualHosts.drop(namespace);
    },
    update(snapshot) {
      const before = view.snapshot;
      view = meshView(snapshot, settings);
      const policies = before.peerAuthentications !== snapshot.peerAuthentications;
      const services = changedKeys(before.services, snapshot.services);
      const affected = policies ? new Set([...services, ...snapshot.services.keys()]) : services;
      for (const key of affected) replace(key, snapshot.services.get(key));
      const namespaces = changedNamespaces(services, before, snapshot);
      refreshAliases(namespaces);
      updatePortListeners();
      for (const scope of [everywhere, ...scopes.values()]) scope.flush();
      tables.flush(view);
      virtualHosts.flush(view);
      return { policies, workloads: changedKeys(before.workloads, snapshot.workloads), namespaces };
    },
  };
}
