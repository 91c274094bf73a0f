import type { AppProbe, ProbeAction } from "../../mesh/envoy/app-probe.ts";
import { type BootstrapOptions, bootstrapArgument, envoyBootstraps } from "../../mesh/envoy/bootstrap.ts";
import type { MetricsTarget } from "../../mesh/envoy/merged-metrics.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import { annotations } from "../../mesh/names.ts";
import type { Container } from "../../mesh/pod.ts";
import { isPort } from "../../mesh/ports.ts";
import type { ProbeRecord, RecordedProbe } from "../pipeline/probe-record.ts";
import { readScrapeEnv } from "../pipeline/prometheus.ts";
import type { ScrapeConfiguration } from "../pipeline/scrape-annotations.ts";
import { containerLists } from "../pod-containers.ts";
import type { PodOptions } from "../pod-options.ts";

/** kubelet joins the path to a URL; one that does not begin with a slash gets one. */
function absolutePath(path: unknown): string {
  const text = typeof path === "string" ? path : "";
  return text.startsWith("/") ? text : `/${text}`;
}

function actionOf({ httpGet, tcpSocket, grpc }: RecordedProbe): { action: ProbeAction; port: unknown } | undefined {
  if (httpGet) {
    const action = { kind: "httpGet", path: absolutePath(httpGet.path), tls: httpGet.scheme === "HTTPS" } as const;
    return { action, port: httpGet.port };
  }
  if (tcpSocket) return { action: { kind: "tcpSocket" }, port: tcpSocket.port };
  const service = typeof grpc?.service === "string" ? grpc.service : "";
  return grpc ? { action: { kind: "grpc", service }, port: grpc.port } : undefined;
}

/** The application's probes as Envoy makes them. A record that makes no sense, which only a user can write, is left out. */
export function appProbes(record: ProbeRecord, containers: readonly string[]): AppProbe[] {
  const ofContainers = Object.entries(record).filter(([path]) => containers.includes(path.split("/")[2] ?? ""));
  return ofContainers.flatMap(([servedPath, recorded]) => {
    const found = actionOf(recorded);
    const { timeoutSeconds = 1 } = recorded;
    const { port } = found ?? {};
    if (found === undefined || typeof port !== "number" || !isPort(port)) return [];
    return [{ servedPath, port, timeoutSeconds, action: found.action }];
  });
}

/** Where the application hands out metrics: its targets, else the one place, by Prometheus' defaults. */
export function metricsTargets(scrape: ScrapeConfiguration | undefined): MetricsTarget[] {
  if (scrape === undefined) return [];
  const targets = scrape.targets ?? [{ port: scrape.port || "80", path: scrape.path || "/metrics" }];
  return targets
    .map(({ port, path }) => ({ port: Number(port), path: absolutePath(path) }))
    .filter(({ port }) => isPort(port));
}

export type BootstrapKind = keyof typeof envoyBootstraps;

/** The Pods of one workload share a bootstrap: each is printed once, and this many are kept. */
const keptBootstraps = 256;
const printed = new Map<string, string>();

function bootstrapText(kind: BootstrapKind, options: BootstrapOptions): string {
  const key = `${kind} ${JSON.stringify(options)}`;
  const known = printed.get(key);
  if (known !== undefined) return known;
  const text = withinLimit(bootstrapArgument(envoyBootstraps[kind](options)));
  const [oldest] = printed.keys();
  if (oldest !== undefined && printed.size >= keptBootstraps) printed.delete(oldest);
  printed.set(key, text);
  return text;
}

/** Linux takes no longer argument than 128 KiB; Kubernetes' own expansion makes it a little longer still. */
const longestArgument = 120_000;

function withinLimit(argument: string): string {
  if (argument.length <= longestArgument) return argument;
  const field = `metadata.annotations["${annotations.rewriteAppHttpProbers}"]`;
  const message = `must be "false" for this Pod: its probes make Envoy's configuration ${argument.length} characters long`;
  throw new OutriggerError("BAD_OBJECT", [{ field, message, remedy: `${longestArgument} is the limit` }]);
}

/** The bootstrap argument for a Pod, with what of the application Envoy answers for. */
export function envoyBootstrap(
  { pod, settings, mode, statusPort }: PodOptions,
  kind: BootstrapKind,
  probes: ProbeRecord,
  proxy?: Container,
): string {
  const { ipFamilies, discovery } = settings.envoy;
  const metrics = metricsTargets(proxy && readScrapeEnv(proxy));
  const containers = containerLists.flatMap((list) => pod.spec[list] ?? []).map(({ name }) => name);
  return bootstrapText(kind, {
    ipFamilies,
    mode,
    statusPort,
    probes: appProbes(probes, containers),
    metrics,
    discovery,
  });
}
