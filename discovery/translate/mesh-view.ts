import type { Endpoint } from "../registry/endpoint.ts";
import { type EffectiveModes, effectiveModes, portMode } from "../registry/peer-authentication.ts";
import type { Service, ServicePort } from "../registry/service.ts";
import type { ServiceEntry, Snapshot } from "../registry/snapshot.ts";
import type { Workload } from "../registry/workload.ts";
import type { MeshSettings } from "./settings.ts";
import { spiffeId } from "./tls.ts";

/** A snapshot with the mesh's settings: what translation reads. */
export interface MeshView {
  readonly snapshot: Snapshot;
  readonly settings: MeshSettings;
  /** What a workload takes by PeerAuthentication. */
  modesOf(workload: Workload): EffectiveModes;
  /** The Services of a namespace, by name. */
  servicesIn(namespace: string): readonly Service[];
}

function groupByNamespace({ services }: Snapshot): Map<string, Service[]> {
  const sorted = [...services.values()]
    .map(({ service }) => service)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  return Map.groupBy(sorted, ({ namespace }) => namespace);
}

export function meshView(snapshot: Snapshot, settings: MeshSettings): MeshView {
  let byNamespace: Map<string, Service[]> | undefined;
  const known = new WeakMap<Workload, EffectiveModes>();
  return {
    snapshot,
    settings,
    modesOf(workload) {
      const modes =
        known.get(workload) ?? effectiveModes(snapshot.peerAuthentications, workload, settings.rootNamespace);
      known.set(workload, modes);
      return modes;
    },
    servicesIn(namespace) {
      byNamespace ??= groupByNamespace(snapshot);
      return byNamespace.get(namespace) ?? [];
    },
  };
}

/** The address's port for a port of the Service; undefined if it does not serve that one. */
export function endpointPort(endpoint: Endpoint, port: ServicePort): number | undefined {
  return endpoint.ports.get(port.name);
}

/** Whether an endpoint is spoken to in mutual TLS. */
export function takesMeshTls(view: MeshView, { workload }: Endpoint, port: number): boolean {
  return workload?.meshed === true && portMode(view.modesOf(workload), port) !== "DISABLE";
}

/** The identities behind a Service's port that are spoken to in mutual TLS, sorted. */
export function identitiesOf(view: MeshView, { endpoints }: ServiceEntry, port: ServicePort): string[] {
  const found = new Set<string>();
  for (const endpoint of endpoints) {
    const number = endpointPort(endpoint, port);
    const { workload } = endpoint;
    if (number === undefined || workload === undefined || !takesMeshTls(view, endpoint, number)) continue;
    found.add(spiffeId(view.settings.trustDomain, workload.namespace, workload.serviceAccount));
  }
  return [...found].sort();
}
