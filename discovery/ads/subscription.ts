import type { ResourceSet } from "../resources/resource-set.ts";
import { tableOfVirtualHost } from "../translate/names.ts";
import type { Resource, ResourceKind } from "../translate/resource.ts";

/** What one client asked for of one kind, and how far it has been told. Changed in place by the functions below. */
export interface Subscription {
  readonly kind: ResourceKind;
  wildcard: boolean;
  /** Names asked for one by one. */
  readonly names: Set<string>;
  /** Of virtual hosts: the tables that the client has, whose hosts are all that it wants. */
  tables: ReadonlySet<string> | undefined;
  /** Names to be answered whether or not they changed. */
  readonly owed: Set<string>;
  /** The generation of each source up to which the client has been told; undefined before the first answer. */
  told: readonly number[] | undefined;
  /** What the client said it has from an earlier stream: versions by name. Empty after the first answer. */
  had: ReadonlyMap<string, string>;
  /** Nonces of responses that are not acknowledged yet, with the names that each carried. */
  readonly inFlight: Map<string, readonly string[]>;
}

/** One request, in the words of both variants of the protocol. */
export interface SubscriptionChange {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly had: ReadonlyMap<string, string>;
}

/** Envoy asks for all listeners, all clusters and all virtual hosts by naming none. */
const wildcardKinds: readonly ResourceKind[] = ["listeners", "clusters", "virtualHosts"];

const wildcardName = "*";

/** A subscription from its first request. */
export function openSubscription(kind: ResourceKind, change: SubscriptionChange, sources: readonly ResourceSet[]) {
  const subscription: Subscription = {
    kind,
    wildcard: wildcardKinds.includes(kind) && change.subscribe.length === 0,
    names: new Set(),
    tables: undefined,
    owed: new Set(),
    told: undefined,
    had: change.had,
    inFlight: new Map(),
  };
  changeSubscription(subscription, change, sources);
  return subscription;
}

/** The one copy of a name: thousands of clients ask for the same names, and each request brings its own text. */
function shared(name: string, sources: readonly ResourceSet[]): string {
  return find(name, sources)?.name ?? name;
}

export function changeSubscription(
  subscription: Subscription,
  { subscribe, unsubscribe }: SubscriptionChange,
  sources: readonly ResourceSet[],
): void {
  for (const name of unsubscribe) {
    if (name === wildcardName) subscription.wildcard = false;
    subscription.names.delete(name);
    subscription.owed.delete(name);
  }
  for (const given of subscribe) {
    if (given === wildcardName) {
      subscription.wildcard = true;
      subscription.told = undefined;
      continue;
    }
    const name = shared(given, sources);
    subscription.names.add(name);
    subscription.owed.add(name);
  }
}

export function find(name: string, sources: readonly ResourceSet[]): Resource | undefined {
  for (const source of sources) {
    const resource = source.get(name);
    if (resource !== undefined) return resource;
  }
  return undefined;
}

/** What a client must be told next. */
export interface Difference {
  readonly changed: readonly Resource[];
  readonly removed: readonly string[];
}

function isWanted({ wildcard, names, tables }: Subscription, name: string): boolean {
  if (tables !== undefined && !tables.has(tableOfVirtualHost(name))) return false;
  return wildcard || names.has(name);
}

function sort(names: Iterable<string>, sources: readonly ResourceSet[], had: ReadonlyMap<string, string>): Difference {
  const changed: Resource[] = [];
  const removed: string[] = [];
  for (const name of names) {
    const resource = find(name, sources);
    if (resource === undefined) removed.push(name);
    else if (had.get(name) !== resource.version) changed.push(resource);
  }
  return { changed, removed };
}

function allNames(subscription: Subscription, sources: readonly ResourceSet[]): Set<string> {
  const names = new Set([...subscription.names, ...subscription.had.keys()]);
  if (subscription.wildcard) for (const source of sources) for (const { name } of source.values()) names.add(name);
  if (subscription.tables !== undefined)
    for (const name of names) if (!isWanted(subscription, name)) names.delete(name);
  return names;
}

/** Names that changed since the client was told; undefined when that is too long ago to know. */
function changedNames(subscription: Subscription, sources: readonly ResourceSet[]): Set<string> | undefined {
  const names = new Set(subscription.owed);
  for (const [index, source] of sources.entries()) {
    const since = subscription.told?.[index] ?? 0;
    if (since === source.generation) continue;
    const changed = source.changedSince(since);
    if (changed === undefined) return undefined;
    for (const name of changed) if (isWanted(subscription, name)) names.add(name);
  }
  return names;
}

/** Whether there may be something to tell. */
export function isBehind({ told, owed }: Subscription, sources: readonly ResourceSet[]): boolean {
  return told === undefined || owed.size > 0 || sources.some(({ generation }, index) => told[index] !== generation);
}

/**
 * What the client must be told, which counts as told from here on: what it then refuses is not sent again until it
 * changes. `"too-far-behind"` when the changes are no longer known: the stream must start anew, with the client saying
 * what it has.
 */
export function takeDifference(
  subscription: Subscription,
  sources: readonly ResourceSet[],
): Difference | "nothing" | "too-far-behind" {
  const isFirst = subscription.told === undefined;
  const names = isFirst ? allNames(subscription, sources) : changedNames(subscription, sources);
  if (names === undefined) return "too-far-behind";
  const difference = sort(names, sources, subscription.had);
  const mustAnswer = isFirst && subscription.had.size === 0;
  subscription.told = sources.map(({ generation }) => generation);
  subscription.had = new Map();
  subscription.owed.clear();
  const isEmpty = difference.changed.length === 0 && difference.removed.length === 0;
  return isEmpty && !mustAnswer ? "nothing" : difference;
}
