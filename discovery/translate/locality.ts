import type { LocalitySetting } from "../../mesh/locality-setting.ts";
import type { Service } from "../registry/service.ts";
import type { TrafficDistribution } from "../registry/traffic-distribution.ts";
import { type Locality, topologyLabels } from "../registry/workload.ts";
import type { Labels } from "./place.ts";

const { region, zone, subZone, node } = topologyLabels;
const localityLabels: readonly string[] = [region, zone, subZone];

/** Which endpoints of a Service its clients prefer, and by what. */
export interface Preference {
  /** As `key` or `key=value`: an endpoint is the nearer, the more of the first ones it has in common with the client. */
  readonly labels: readonly string[];
  /** From a client's region to the one that comes before all others. */
  readonly failover: ReadonlyMap<string, string>;
  readonly distribute: LocalitySetting["distribute"];
}

const byLabels = (...labels: readonly string[]): Preference => ({ labels, failover: new Map(), distribute: [] });

const ofDistribution: Readonly<Record<TrafficDistribution, Preference | undefined>> = {
  Any: undefined,
  PreferClose: byLabels(region, zone, subZone),
  PreferSameZone: byLabels(region, zone),
  PreferSameNode: byLabels(region, zone, subZone, node),
};

function preferenceOfMesh(setting: LocalitySetting): Preference | undefined {
  const { enabled, failoverPriority, failover, distribute } = setting;
  if (!enabled) return undefined;
  const byDistance = failoverPriority.length > 0 ? failoverPriority : localityLabels;
  return {
    labels: distribute.length > 0 ? [] : byDistance,
    failover: new Map(failover.map(({ from, to }) => [from, to])),
    distribute,
  };
}

/** What a Service says, else the mesh; a headless Service's Pods are its clients' to choose. */
export function preferenceOf(
  { resolution, trafficDistribution }: Service,
  setting: LocalitySetting,
): Preference | undefined {
  if (resolution.kind !== "cluster-ip") return undefined;
  return trafficDistribution === undefined ? preferenceOfMesh(setting) : ofDistribution[trafficDistribution];
}

/** From how many places a Service's endpoints may look different: from localities, or even from nodes. */
export type Reach = "locality" | "node";

export function reachOf({ labels }: Preference): Reach {
  return labels.some((label) => label.split("=", 1)[0] === node) ? "node" : "locality";
}

/** The labels of a proxy that decide what it sees of Services of a reach. */
export function deciding(reach: Reach, { failoverPriority }: LocalitySetting): readonly string[] {
  const own = failoverPriority.filter((label) => !label.includes("=") && label !== node);
  return [...new Set([...localityLabels, ...own, ...(reach === "node" ? [node] : [])])];
}

function isAlike(label: string, from: Labels, to: Labels): boolean {
  const [key = "", value] = label.split("=", 2);
  return (to[key] ?? "") === (value ?? from[key] ?? "");
}

/** How far an endpoint is from a client; 0 is nearest. Numbers may be left out in between. */
export function distance({ labels, failover }: Preference, from: Labels, to: Labels): number {
  const unlike = labels.findIndex((label) => !isAlike(label, from, to));
  const missed = unlike < 0 ? 0 : labels.length - unlike;
  const target = failover.get(from[region] ?? "");
  const isPassedOver = target !== undefined && from[region] !== to[region] && target !== to[region];
  return missed * 2 + (isPassedOver ? 1 : 0);
}

function isWithin(pattern: string, { region, zone, subZone }: Locality): boolean {
  const parts = [region, zone, subZone];
  return pattern.split("/").every((part, index) => part === "*" || part === parts[index]);
}

/** How exactly a pattern says which localities it means. */
function exactness(pattern: string): number {
  return pattern.split("/").filter((part) => part !== "*").length;
}

/** The percentage of requests by the localities that share it, for clients in a locality; undefined: as they come. */
export function sharesFor({ distribute }: Preference, from: Locality): ReadonlyMap<string, number> | undefined {
  const found = distribute.find((entry) => isWithin(entry.from, from));
  return found === undefined ? undefined : new Map(Object.entries(found.to));
}

/** The entry that a locality belongs to: the one that names it most exactly. */
export function shareOf(shares: ReadonlyMap<string, number>, locality: Locality): string | undefined {
  const patterns = [...shares.keys()].filter((pattern) => isWithin(pattern, locality));
  return patterns.sort((one, other) => exactness(other) - exactness(one))[0];
}
