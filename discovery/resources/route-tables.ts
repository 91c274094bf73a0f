import type { ServiceEntry } from "../registry/snapshot.ts";
import { isVisible, type Visibility } from "../registry/visibility.ts";
import type { MeshView } from "../translate/mesh-view.ts";
import type { EncodedHost } from "../translate/route-table.ts";
import { type Exposure, encodedHosts, isRoutedByHost, portRoutes, sameHosts } from "../translate/routes.ts";
import { createResourceSet, type ResourceSet } from "./resource-set.ts";

/**
 * The route tables of ports, which hold every Service of the mesh, as each namespace sees them: for proxies that do not take
 * virtual hosts one by one. Only namespaces that such a proxy is in have any.
 */
export interface RouteTables {
  /** The ports that any Service has requests routed on. */
  ports(): Iterable<number>;
  /** Takes note of a Service that changed; `undefined` when it went. */
  replace(key: string, entry: ServiceEntry | undefined): void;
  /** Rebuilds the tables that changes since the last time concern. */
  flush(view: MeshView): void;
  /** The tables as a namespace sees them, which stay up to date until it is dropped. */
  of(namespace: string, view: MeshView): ResourceSet;
  drop(namespace: string): void;
}

/** One Service on one port: its hosts are encoded once for its own namespace and once for the others. */
interface Hosts {
  readonly exposure: Exposure;
  own?: EncodedHost[];
  others?: EncodedHost[];
}

function hostsSeenFrom(view: MeshView, hosts: Hosts, from: string): EncodedHost[] {
  if (hosts.exposure.entry.service.namespace === from) {
    hosts.own ??= encodedHosts(view, hosts.exposure, from);
    return hosts.own;
  }
  hosts.others ??= encodedHosts(view, hosts.exposure, "");
  return hosts.others;
}

export function createRouteTables(): RouteTables {
  const byPort = new Map<number, Map<string, Hosts>>();
  const entries = new Map<string, ServiceEntry>();
  const namespaces = new Map<string, ResourceSet>();
  const touched = new Map<number, Visibility>();

  /** Takes note that a port's table is another for those who see the Service. */
  function touch(port: number, visibility: Visibility): void {
    const before = touched.get(port) ?? new Set();
    const isEverywhere = before === "everywhere" || visibility === "everywhere";
    touched.set(port, isEverywhere ? "everywhere" : new Set([...before, ...visibility]));
  }

  function forget(key: string): void {
    const known = entries.get(key)?.service;
    for (const { port } of known?.ports ?? []) {
      if (byPort.get(port)?.delete(key) !== true) continue;
      touch(port, known?.visibility ?? "everywhere");
      if (byPort.get(port)?.size !== 0) continue;
      byPort.delete(port);
      touch(port, "everywhere");
    }
    entries.delete(key);
  }

  function add(key: string, entry: ServiceEntry): void {
    entries.set(key, entry);
    for (const port of entry.service.ports.filter(isRoutedByHost)) {
      const known = byPort.get(port.port);
      byPort.set(port.port, (known ?? new Map<string, Hosts>()).set(key, { exposure: { entry, port } }));
      // The first one on a port brings everybody the port's listener.
      touch(port.port, known === undefined ? "everywhere" : entry.service.visibility);
    }
  }

  function table(view: MeshView, port: number, from: string) {
    const services = [...(byPort.get(port) ?? [])].sort(([one], [other]) => (one < other ? -1 : 1));
    return portRoutes(
      view,
      port,
      services.flatMap(([, hosts]) => {
        const { visibility } = hosts.exposure.entry.service;
        return isVisible(visibility, from) ? hostsSeenFrom(view, hosts, from) : [];
      }),
    );
  }

  function rebuild(view: MeshView, namespace: string, ports: Iterable<number>): void {
    const all = [...ports];
    const present = all.filter((port) => byPort.has(port));
    namespaces.get(namespace)?.update(
      present.map((port) => table(view, port, namespace)),
      all.filter((port) => !byPort.has(port)).map(String),
    );
  }

  return {
    ports: () => byPort.keys(),
    replace(key, entry) {
      if (entry !== undefined && sameHosts(entries.get(key), entry)) return;
      forget(key);
      if (entry !== undefined) add(key, entry);
    },
    flush(view) {
      for (const namespace of namespaces.keys()) {
        const ports = [...touched].filter(([, visibility]) => isVisible(visibility, namespace));
        rebuild(
          view,
          namespace,
          ports.map(([port]) => port),
        );
      }
      touched.clear();
    },
    of(namespace, view) {
      const known = namespaces.get(namespace);
      if (known !== undefined) return known;
      const set = createResourceSet();
      namespaces.set(namespace, set);
      rebuild(view, namespace, byPort.keys());
      return set;
    },
    drop: (namespace) => namespaces.delete(namespace),
  };
}
