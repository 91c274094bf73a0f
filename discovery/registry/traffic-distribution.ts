import type { ServiceObject } from "./objects.ts";

const values = ["Any", "PreferClose", "PreferSameZone", "PreferSameNode"] as const;

/**
 * Which endpoints a Service's clients prefer, in Kubernetes' words. `Any`: none.
 * Source: https://kubernetes.io/docs/reference/networking/virtual-ips/#traffic-distribution
 */
export type TrafficDistribution = (typeof values)[number];

/**
 * Where a Service's annotation says it, which goes before the field.
 * Source: https://istio.io/latest/docs/reference/config/annotations/#NetworkingTrafficDistribution
 */
const annotation = "networking.istio.io/traffic-distribution";

/** What a Service says; a word that nobody knows counts as nothing said, as for Kubernetes. */
export function trafficDistributionOf({ metadata, spec }: ServiceObject): TrafficDistribution | undefined {
  const given = metadata?.annotations?.[annotation] ?? spec?.trafficDistribution;
  return values.find((value) => value.toLowerCase() === given?.toLowerCase());
}
