import type { Endpoint } from "../registry/endpoint.ts";
import type { Locality } from "../registry/workload.ts";
import { topologyLabels } from "../registry/workload.ts";

/** The labels by which endpoints are near to a client or far from it. */
export type Labels = Readonly<Record<string, string>>;

/** Where a proxy stands, as far as some labels say. Proxies with the same key see the same endpoints. */
export interface Place {
  readonly key: string;
  readonly labels: Labels;
}

interface Standing {
  readonly locality: Locality;
  readonly node: string;
  readonly labels: Labels;
}

/** A Pod's labels with those of where it stands; the latter count. */
export function labelsOf({ locality, node, labels }: Standing): Labels {
  return {
    ...labels,
    [topologyLabels.region]: locality.region,
    [topologyLabels.zone]: locality.zone,
    [topologyLabels.subZone]: locality.subZone,
    [topologyLabels.node]: node,
  };
}

export function endpointLabels({ locality, node, workload }: Endpoint): Labels {
  return labelsOf({ locality, node, labels: workload?.labels ?? {} });
}

/** @param names the labels that count */
export function placeOf(standing: Standing, names: readonly string[]): Place {
  const all = labelsOf(standing);
  const labels = Object.fromEntries(names.map((name) => [name, all[name] ?? ""]));
  return { key: JSON.stringify(Object.values(labels)), labels };
}

export function localityAt({ labels }: Place): Locality {
  const { region, zone, subZone } = topologyLabels;
  return { region: labels[region] ?? "", zone: labels[zone] ?? "", subZone: labels[subZone] ?? "" };
}
