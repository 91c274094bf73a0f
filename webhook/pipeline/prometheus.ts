import { goJson } from "../../mesh/go-json.ts";
import { annotations } from "../../mesh/names.ts";
import type { Container, Pod } from "../../mesh/pod.ts";
import { annotationOf, withAnnotations } from "../../mesh/pod-metadata.ts";
import { booleanOf } from "../annotations/boolean.ts";
import { proxyContainer, withContainer } from "../pod-containers.ts";
import type { InjectionSettings } from "../settings.ts";
import { withEnv } from "./env.ts";
import {
  annotationsOf,
  type ScrapeConfiguration,
  scrapeAnnotationNames,
  scrapeConfiguration,
} from "./scrape-annotations.ts";

/** The environment variable of istio-proxy that holds where the application's own metrics are. */
export const scrapeEnv = "ISTIO_PROMETHEUS_ANNOTATIONS";

const mergedPath = "/stats/prometheus";

const cleared = Object.fromEntries(scrapeAnnotationNames.map((name) => [name, undefined]));

/** Whether the proxy hands out the application's metrics, by the Pod's choice or the mesh's. */
export function isMerged(pod: Pod, { mesh }: InjectionSettings): boolean {
  return booleanOf(annotationOf(pod, annotations.mergeMetrics)) ?? mesh.enablePrometheusMerge;
}

/**
 * Lets Prometheus scrape the proxy, which hands out the application's metrics together with its own. A Pod that wants
 * no scraping, or that points at the proxy already, is left as it is.
 */
export function mergePrometheus(pod: Pod, settings: InjectionSettings, statusPort: number): Pod {
  const own = scrapeConfiguration(pod);
  const proxy = proxyContainer(pod);
  const applies = isMerged(pod, settings) && own?.scrape !== "false" && own?.port !== String(statusPort);
  if (!applies || proxy === undefined) return pod;
  const recorded =
    own === undefined ? pod : withContainer(pod, proxy.name, (container) => withEnv(container, scrapeEnv, goJson(own)));
  return withAnnotations(recorded, {
    ...cleared,
    "prometheus.io/port": String(statusPort),
    "prometheus.io/path": mergedPath,
    "prometheus.io/scrape": "true",
  });
}

/** What a former step recorded of the application's own scraping. */
export function readScrapeEnv({ env }: Container): ScrapeConfiguration | undefined {
  const text = env?.find(({ name }) => name === scrapeEnv)?.value;
  if (text === undefined) return undefined;
  try {
    const { scrape = "", path = "", port = "", targets } = JSON.parse(text) as Partial<ScrapeConfiguration>;
    return { scrape, path, port, ...(Array.isArray(targets) && { targets }) };
  } catch {
    return undefined;
  }
}

/** Whether the annotations are those that merging writes: it leaves no other spelling and no targets. */
function pointsToProxy(pod: Pod): boolean {
  return (
    annotationOf(pod, "prometheus.io/path") === mergedPath &&
    annotationOf(pod, "prometheus.io/scrape") === "true" &&
    annotationOf(pod, annotations.scrapeTargets) === undefined
  );
}

/** Gives a Pod the Prometheus annotations back that merging took, from the record that istio-proxy holds. */
export function restorePrometheus(pod: Pod, proxy: Container): Pod {
  if (!pointsToProxy(pod)) return pod;
  const recorded = readScrapeEnv(proxy);
  return withAnnotations(pod, { ...cleared, ...(recorded && annotationsOf(recorded)) });
}
