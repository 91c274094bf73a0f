import type { ServiceEntry } from "../registry/snapshot.ts";
import { isVisible } from "../registry/visibility.ts";
import { delegatedTable, virtualHostResource } from "../translate/delegated-routes.ts";
import type { MeshView } from "../translate/mesh-view.ts";
import { portRouteName } from "../translate/names.ts";
import type { Resource } from "../translate/resource.ts";
import { isRoutedByHost, otherHosts, sameHosts, serviceHosts } from "../translate/routes.ts";
import { createDomainClaims, type ServiceHost } from "./domain-claims.ts";
import { createResourceSet, type ResourceSet, replaceAll } from "./resource-set.ts";
import { createSharedHosts, encodedHost } from "./shared-hosts.ts";

/**
 * The virtual hosts of ports' route tables, each a resource of its own. Those that all viewers know alike stand in sets that
 * proxies share; what a namespace knows otherwise (its own Services, which have a short name there, and hosts of which two
 * want the same domain) stands in a set of the namespace's own, which comes first.
 */
export interface VirtualHosts {
  /** The tables, by port, which hold nothing themselves. */
  readonly tables: ResourceSet;
  /** The ports that there are tables of. */
  setPorts(view: MeshView, ports: ReadonlySet<number>): void;
  /** Takes note of a Service that changed; `undefined` when it went. */
  replace(key: string, entry: ServiceEntry | undefined): void;
  flush(view: MeshView): void;
  /** What a namespace sees, which stays up to date until it is dropped. */
  of(namespace: string, view: MeshView): readonly ResourceSet[];
  drop(namespace: string): void;
}

interface Known {
  readonly entry: ServiceEntry;
  /** As other namespaces know them, and as their own does. */
  readonly others: readonly ServiceHost[];
  own?: readonly ServiceHost[];
}

function hostsOf(view: MeshView, key: string, entry: ServiceEntry, from: string): ServiceHost[] {
  const { namespace, visibility } = entry.service;
  return entry.service.ports
    .filter(isRoutedByHost)
    .flatMap((port) => serviceHosts(view, { entry, port }, from).map((host) => ({ port: port.port, host })))
    .map((each, order) => ({ ...each, key, order, namespace, visibility }));
}

function isBefore(one: ServiceHost, other: ServiceHost): boolean {
  return one.key === other.key ? one.order < other.order : one.key < other.key;
}

/** Of hosts that want the same domain of a port, the first keeps it; a host that keeps none is left out. */
function withoutRepeats(hosts: Iterable<ServiceHost>): Resource[] {
  const seen = new Set<string>();
  return [...hosts]
    .sort((one, other) => (isBefore(one, other) ? -1 : 1))
    .flatMap((each) => {
      const free = each.host.domains.filter((domain) => !seen.has(`${each.port} ${domain}`));
      for (const domain of free) seen.add(`${each.port} ${domain}`);
      if (free.length === each.host.domains.length) return [encodedHost(each)];
      return free.length === 0 ? [] : [virtualHostResource(each.port, { ...each.host, domains: free })];
    });
}

export function createVirtualHosts(): VirtualHosts {
  const tables = createResourceSet();
  const namespaces = new Map<string, ResourceSet>();
  const services = new Map<string, Known>();
  const keysOf = new Map<string, Set<string>>();
  const claims = createDomainClaims();
  const shared = createSharedHosts(claims);
  const changed = new Map<string, ServiceEntry | undefined>();
  let ports: ReadonlySet<number> = new Set();

  function forget(key: string): void {
    const known = services.get(key);
    if (known === undefined) return;
    for (const host of known.others) claims.remove(host);
    services.delete(key);
    keysOf.get(known.entry.service.namespace)?.delete(key);
  }

  function add(view: MeshView, key: string, entry: ServiceEntry): void {
    const known: Known = { entry, others: hostsOf(view, key, entry, "") };
    for (const host of known.others) claims.add(host);
    services.set(key, known);
    const { namespace } = entry.service;
    keysOf.set(namespace, (keysOf.get(namespace) ?? new Set<string>()).add(key));
  }

  function ownHosts(view: MeshView, namespace: string): ServiceHost[] {
    return [...(keysOf.get(namespace) ?? [])].flatMap((key) => {
      const known = services.get(key);
      if (known === undefined || !isVisible(known.entry.service.visibility, namespace)) return [];
      known.own ??= hostsOf(view, key, known.entry, namespace);
      return known.own;
    });
  }

  function refresh(view: MeshView, namespace: string, set: ResourceSet): void {
    const own = ownHosts(view, namespace);
    const rivals = own.flatMap(({ port, host }) => host.domains.flatMap((domain) => [...claims.of(port, domain)]));
    const others = [...shared.contested, ...rivals].filter(
      (host) => host.namespace !== namespace && isVisible(host.visibility, namespace),
    );
    replaceAll(set, withoutRepeats(new Set([...own, ...others])));
  }

  return {
    tables,
    setPorts(view, next) {
      const come = [...next].filter((port) => !ports.has(port));
      const gone = [...ports].filter((port) => !next.has(port));
      if (come.length === 0 && gone.length === 0) return;
      ports = next;
      tables.update(come.map(delegatedTable), gone.map(portRouteName));
      const rest = otherHosts(view);
      // It stays when the port goes: Envoy keeps a listener that went, and its table, for the connections that it has. Who has
      // no such table is not sent it.
      shared.everywhere.update(
        come.map((port) => virtualHostResource(port, rest)),
        [],
      );
    },
    replace(key, entry) {
      const known = changed.has(key) ? changed.get(key) : services.get(key)?.entry;
      if (entry === undefined || !sameHosts(known, entry)) changed.set(key, entry);
    },
    flush(view) {
      if (changed.size === 0) return;
      for (const [key, entry] of changed) {
        forget(key);
        if (entry !== undefined) add(view, key, entry);
      }
      changed.clear();
      shared.flush();
      for (const [namespace, set] of namespaces) refresh(view, namespace, set);
    },
    of(namespace, view) {
      const known = namespaces.get(namespace);
      const set = known ?? createResourceSet();
      namespaces.set(namespace, set);
      if (known === undefined) refresh(view, namespace, set);
      return [set, shared.everywhere, shared.of(namespace)];
    },
    drop: (namespace) => namespaces.delete(namespace),
  };
}
