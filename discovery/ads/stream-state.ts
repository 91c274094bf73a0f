import type { ResourceSet } from "../resources/resource-set.ts";
import { tableOfVirtualHost } from "../translate/names.ts";
import type { Resource, ResourceKind } from "../translate/resource.ts";
import {
  changeSubscription,
  type Difference,
  find,
  isBehind,
  openSubscription,
  type Subscription,
  type SubscriptionChange,
  takeDifference,
} from "./subscription.ts";

/** Where a client's resources come from. */
export type Sources = Readonly<Record<ResourceKind, readonly ResourceSet[]>>;

/** How a client takes route tables: with all that stands in them, or with virtual hosts as resources of their own. */
export type TableStyle = "whole" | "delegated";

/** What one stream has been asked and told. Changed in place by the functions below. */
export interface StreamState {
  readonly sources: Sources;
  readonly subscriptions: Map<ResourceKind, Subscription>;
  /** Clusters that were sent and whose endpoints the client has not asked for yet, and until when to wait for that. */
  readonly awaited: Set<string>;
  awaitedUntil: number;
  /** Clusters that went, and that routes of the client may still lead to. */
  readonly leaving: Set<string>;
  nonce: number;
}

export function openStream(sources: Sources): StreamState {
  return { sources, subscriptions: new Map(), awaited: new Set(), awaitedUntil: 0, leaving: new Set(), nonce: 0 };
}

/** A client that takes clusters and never asks for their endpoints gets its listeners after this time all the same. */
const awaitEndpointsMs = 2000;

export function subscribe(state: StreamState, kind: ResourceKind, change: SubscriptionChange): void {
  const sources = state.sources[kind];
  const known = state.subscriptions.get(kind);
  if (known === undefined) state.subscriptions.set(kind, openSubscription(kind, change, sources));
  else changeSubscription(known, change, sources);
}

/** Takes note of an answer to a response; returns the names it carried, or undefined if it is not one we wait for. */
export function settle(state: StreamState, kind: ResourceKind, nonce: string): readonly string[] | undefined {
  const inFlight = state.subscriptions.get(kind)?.inFlight;
  const names = inFlight?.get(nonce);
  inFlight?.delete(nonce);
  if (kind === "routes" && names !== undefined) oweHosts(state, names);
  return names;
}

/**
 * A table that comes to Envoy is empty, and Envoy asks for the virtual hosts of all tables once and never again: what was
 * sent before the table was there is lost.
 */
function oweHosts(state: StreamState, tables: readonly string[]): void {
  const subscription = state.subscriptions.get("virtualHosts");
  if (subscription?.told === undefined) return;
  for (const source of state.sources.virtualHosts)
    for (const { name } of source.values()) if (tables.includes(tableOfVirtualHost(name))) subscription.owed.add(name);
}

/** Whether the client has been told all there is of a kind. It works responses off in the order in which they come. */
function isTold(state: StreamState, kind: ResourceKind): boolean {
  const subscription = state.subscriptions.get(kind);
  return subscription === undefined || !isBehind(subscription, state.sources[kind]);
}

/** Whether the client has answered all that it was sent of a kind. */
function isIdle(state: StreamState, kind: ResourceKind): boolean {
  return state.subscriptions.get(kind)?.inFlight.size === 0;
}

/**
 * Make before break: routes lead to clusters and clusters to endpoints, so what is led to comes first. A new cluster is of
 * use only when the client has asked for its endpoints and got them. Secrets may come at any time.
 */
function mayFollow(state: StreamState, kind: ResourceKind): boolean {
  switch (kind) {
    case "secrets":
    case "clusters":
      return true;
    case "endpoints":
      return isTold(state, "clusters");
    case "listeners": {
      const isOwed = (state.subscriptions.get("endpoints")?.owed.size ?? 0) > 0;
      return isTold(state, "clusters") && !isOwed && state.awaited.size === 0;
    }
    case "routes":
      return mayFollow(state, "listeners") && isTold(state, "listeners");
    case "virtualHosts":
      return mayFollow(state, "routes") && isTold(state, "routes") && isIdle(state, "routes");
  }
}

export interface Outgoing extends Difference {
  readonly kind: ResourceKind;
  readonly nonce: string;
}

/** A cluster that is sent again is warmed again, and waits for its endpoints whether or not they changed. */
function followClusters(state: StreamState, { changed }: Difference, now: number): void {
  const endpoints = state.subscriptions.get("endpoints");
  for (const { name } of changed) {
    if (find(name, state.sources.endpoints) === undefined) continue;
    if (endpoints?.names.has(name) === true) endpoints.owed.add(name);
    else state.awaited.add(name);
  }
  if (state.awaited.size > 0) state.awaitedUntil = now + awaitEndpointsMs;
}

/** Clusters go last, once nothing leads to them. */
function holdBack(state: StreamState, difference: Difference): Difference {
  for (const { name } of difference.changed) state.leaving.delete(name);
  for (const name of difference.removed) state.leaving.add(name);
  return { changed: difference.changed, removed: [] };
}

/**
 * Below the 4 MiB that gRPC clients take in one message unless told otherwise. A listener opens with the first virtual hosts
 * of its table that come: they come together.
 */
const maxResponseBytes = (kind: ResourceKind) => (kind === "virtualHosts" ? 3_500_000 : 1_000_000);

/** The difference in parts of a bounded size: the resources of each, and all removals in the last. */
function parts({ changed, removed }: Difference, maxBytes: number): Difference[] {
  const full: Difference[] = [];
  let part: Resource[] = [];
  let bytes = 0;
  for (const resource of changed) {
    if (part.length > 0 && bytes + resource.entry.length > maxBytes) {
      full.push({ changed: part, removed: [] });
      part = [];
      bytes = 0;
    }
    part.push(resource);
    bytes += resource.entry.length;
  }
  return [...full, { changed: part, removed }];
}

function outgoing(state: StreamState, kind: ResourceKind, difference: Difference): Outgoing[] {
  return parts(difference, maxResponseBytes(kind)).map((part) => {
    state.nonce += 1;
    const nonce = String(state.nonce);
    const names = [...part.changed.map(({ name }) => name), ...part.removed];
    state.subscriptions.get(kind)?.inFlight.set(nonce, names);
    return { kind, nonce, ...part };
  });
}

function take(state: StreamState, kind: ResourceKind, now: number): Outgoing[] | "too-far-behind" {
  const subscription = state.subscriptions.get(kind);
  if (subscription === undefined || subscription.inFlight.size > 0 || !mayFollow(state, kind)) return [];
  if (!isBehind(subscription, state.sources[kind])) return [];
  if (kind === "virtualHosts") subscription.tables = state.subscriptions.get("routes")?.names;
  const isFirst = subscription.told === undefined && subscription.had.size === 0;
  const taken = takeDifference(subscription, state.sources[kind]);
  if (taken === "too-far-behind") return taken;
  if (taken === "nothing") return [];
  if (kind === "endpoints") for (const { name } of taken.changed) state.awaited.delete(name);
  if (kind !== "clusters") return outgoing(state, kind, taken);
  followClusters(state, taken, now);
  const difference = holdBack(state, taken);
  return difference.changed.length > 0 || isFirst ? outgoing(state, kind, difference) : [];
}

/** Clusters that went and to which nothing leads any more. */
function takeLeaving(state: StreamState): Outgoing[] {
  const clusters = state.subscriptions.get("clusters");
  if (state.leaving.size === 0 || clusters === undefined || clusters.inFlight.size > 0) return [];
  const last = state.subscriptions.has("virtualHosts") ? "virtualHosts" : "routes";
  if (!mayFollow(state, last) || !isTold(state, last)) return [];
  const removed = [...state.leaving].filter((name) => find(name, state.sources.clusters) === undefined);
  state.leaving.clear();
  return removed.length === 0 ? [] : outgoing(state, "clusters", { changed: [], removed });
}

const order: readonly ResourceKind[] = ["secrets", "clusters", "endpoints", "listeners", "routes", "virtualHosts"];

/**
 * The responses that may go out now. What must wait comes at a later call: after an acknowledgement, a change, or at
 * `awaitedUntil`.
 */
export function takeOutgoing(state: StreamState, now: number): readonly Outgoing[] | "too-far-behind" {
  if (now >= state.awaitedUntil) state.awaited.clear();
  const responses: Outgoing[] = [];
  for (const kind of order) {
    const taken = take(state, kind, now);
    if (taken === "too-far-behind") return taken;
    responses.push(...taken);
  }
  return [...responses, ...takeLeaving(state)];
}
