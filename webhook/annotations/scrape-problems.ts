import type { Problem } from "../../mesh/errors.ts";
import { annotations } from "../../mesh/names.ts";
import type { Pod } from "../../mesh/pod.ts";
import { annotationOf } from "../../mesh/pod-metadata.ts";
import { readPort } from "../../mesh/port-list.ts";
import { ports, reservedPorts } from "../../mesh/ports.ts";
import { isMerged } from "../pipeline/prometheus.ts";
import { scrapeConfiguration, scrapeTargets, spellings } from "../pipeline/scrape-annotations.ts";
import type { InjectionSettings } from "../settings.ts";
import { annotationField } from "./json-annotation.ts";

/** What is wrong with a port that the proxy is to scrape: it must be one of the application's. */
function scrapedPortProblem(field: string, value: string, statusPort: number): Problem | undefined {
  const reading = readPort(value);
  if (!reading.ok) return { field, value, message: reading.message, remedy: reading.remedy };
  const own = Number(value) === statusPort || reservedPorts.includes(Number(value));
  const remedy = "name a port of the application's";
  return own ? { field, value, message: "is a port of the sidecar's own", remedy } : undefined;
}

/** Each is asked at each scrape. */
const mostTargets = 100;

function targetProblems(pod: Pod, statusPort: number): (Problem | undefined)[] {
  const text = annotationOf(pod, annotations.scrapeTargets) ?? "";
  const field = annotationField(annotations.scrapeTargets);
  const targets = scrapeTargets(text);
  if (targets.length > mostTargets) {
    const remedy = `name at most ${mostTargets}`;
    return [{ field, value: text, message: `has ${targets.length} targets`, remedy }];
  }
  return targets.flatMap(({ port, path }) => [
    scrapedPortProblem(field, port, statusPort),
    path.startsWith("/") ? undefined : { field, value: path, message: "is not a path", remedy: 'use "8080:/metrics"' },
  ]);
}

/** What is wrong with a Pod's Prometheus annotations, where the proxy merges the metrics that they name. */
export function scrapeProblems(pod: Pod, settings: InjectionSettings): Problem[] {
  const configuration = scrapeConfiguration(pod);
  if (!isMerged(pod, settings) || configuration?.scrape === "false") return [];
  const set = annotationOf(pod, annotations.statusPort);
  const statusPort = set === undefined ? settings.values.global.proxy.statusPort : Number(set);
  const proxyPorts = [statusPort, settings.mesh.defaultConfig.statusPort ?? ports.status].map(String);
  const single = spellings("port").map((name) => {
    const value = annotationOf(pod, name);
    const pointsToProxy = value === undefined || proxyPorts.includes(value);
    return pointsToProxy ? undefined : scrapedPortProblem(annotationField(name), value, statusPort);
  });
  const secure = annotationOf(pod, annotations.securePort);
  const secureProblem =
    secure === undefined ? undefined : scrapedPortProblem(annotationField(annotations.securePort), secure, statusPort);
  return [...single, ...targetProblems(pod, statusPort), secureProblem].filter((problem) => problem !== undefined);
}
