import type { Pod } from "../../mesh/pod.ts";
import { proxyContainer, withContainer } from "../pod-containers.ts";

/** The proxy's network. */
export const networkVariable = "ISTIO_META_NETWORK";

const aliases: Readonly<Record<string, string>> = { cluster: "ISTIO_META_CLUSTER_ID", net: networkVariable };

function decoded(segment: string): string {
  const text = segment.replaceAll("--slash--", "/");
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Reads the environment that a webhook's URL sets: `/inject/cluster/east/net/n1/KEY/value`. `cluster` and `net` stand
 * for the proxy's own names; `--slash--` stands for a slash.
 */
export function urlEnvironment(path: string): Readonly<Record<string, string>> {
  const segments = (path.split("?")[0] ?? "").split("/").filter(Boolean).slice(1);
  const pairs = segments.flatMap((segment, index): [string, string][] => {
    const value = segments[index + 1];
    if (index % 2 === 1 || value === undefined) return [];
    const key = decoded(segment);
    return [[Object.hasOwn(aliases, key) ? (aliases[key] ?? key) : key, decoded(value)]];
  });
  return Object.fromEntries(pairs);
}

/** Sets variables that name the cluster and network on istio-proxy: they replace others, and stand last, sorted. */
export function withEnvironment(pod: Pod, environment: Readonly<Record<string, string>>): Pod {
  const entries = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1));
  const proxy = proxyContainer(pod);
  if (entries.length === 0 || proxy === undefined) return pod;
  const added = entries.map(([name, value]) => ({ name, value }));
  return withContainer(pod, proxy.name, (container) => ({
    ...container,
    env: [...(container.env ?? []).filter(({ name }) => !Object.hasOwn(environment, name)), ...added],
  }));
}
