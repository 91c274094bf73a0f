import { annotations } from "../../mesh/names.ts";
import type { Pod } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";

/** One place to scrape. */
export interface ScrapeTarget {
  readonly port: string;
  readonly path: string;
}

/** What a Pod's annotations tell Prometheus, as Istio's agent gets it. Empty text where nothing is said. */
export interface ScrapeConfiguration {
  readonly scrape: string;
  readonly path: string;
  readonly port: string;
  readonly targets?: readonly ScrapeTarget[];
}

const keys = ["scrape", "path", "port"] as const;
type Key = (typeof keys)[number];

/** The spellings that Prometheus' own configurations use for one annotation. */
export function spellings(key: Key): string[] {
  return ["/", ".", "_"].map((separator) => `prometheus.io${separator}${key}`);
}

/** All annotations that merging replaces. */
export const scrapeAnnotationNames: readonly string[] = [...keys.flatMap(spellings), annotations.scrapeTargets];

function scrapeAnnotation(pod: Pod, key: Key): string | undefined {
  return spellings(key)
    .map((name) => annotationOf(pod, name))
    .find((value) => value !== undefined);
}

/** Reads `8080:/metrics,9100`: ports with paths, `/metrics` where none is given. */
export function scrapeTargets(text: string): ScrapeTarget[] {
  const items = text.split(",").map((item) => item.trim());
  return items.filter(Boolean).map((item) => {
    const colon = item.indexOf(":");
    return colon < 0 ? { port: item, path: "/metrics" } : { port: item.slice(0, colon), path: item.slice(colon + 1) };
  });
}

/** What the Pod's annotations say; undefined if they say nothing. */
export function scrapeConfiguration(pod: Pod): ScrapeConfiguration | undefined {
  const [scrape, path, port] = keys.map((key) => scrapeAnnotation(pod, key));
  const text = annotationOf(pod, annotations.scrapeTargets);
  const targets = text === undefined ? [] : scrapeTargets(text);
  if ([scrape, path, port].every((value) => value === undefined) && targets.length === 0) return undefined;
  return {
    scrape: scrape ?? "",
    path: path ?? targets[0]?.path ?? "",
    port: port ?? targets[0]?.port ?? "",
    ...(targets.length > 0 && { targets }),
  };
}

/** The annotations that say the same. */
export function annotationsOf({
  scrape,
  path,
  port,
  targets,
}: ScrapeConfiguration): Record<string, string | undefined> {
  const [first] = targets ?? [];
  return {
    "prometheus.io/scrape": scrape || undefined,
    "prometheus.io/path": path === first?.path ? undefined : path || undefined,
    "prometheus.io/port": port === first?.port ? undefined : port || undefined,
    [annotations.scrapeTargets]: targets?.map((target) => `${target.port}:${target.path}`).join(","),
  };
}
