import type { Logger } from "pino";
import { announce } from "../host/log.ts";
import { buildApp } from "./app.ts";
import { type CertificateFiles, followCertificateFiles } from "./certificate-files.ts";
import type { ClusterOptions } from "./cluster/sources.ts";
import { followConfigurationFiles } from "./configuration-files.ts";
import { factsFromFlags, type InjectionFlags } from "./injection-flags.ts";
import type { Limits } from "./limits.ts";
import { createMetrics } from "./metrics.ts";
import { certificateListener, configurationListener, type Running } from "./running.ts";
import { type DrainOptions, drain, listen } from "./server.ts";
import { createState } from "./state.ts";

/** Everything that `outrigger webhook` needs to run. */
export interface WebhookOptions {
  readonly address: string;
  /** 0 takes any free port; the log line `listening` tells it. */
  readonly port: number;
  /** Undefined when the cluster is the certificate's source. */
  readonly certificateFiles: CertificateFiles | undefined;
  readonly injection: InjectionFlags;
  readonly cluster: ClusterOptions;
  readonly limits: Limits;
  readonly drain: DrainOptions;
}

type Stop = () => void;

/** The first one of these signals; a second one ends the process as if nobody listened. */
function endSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
}

async function drainOn(signal: NodeJS.Signals, { app, state, log }: Running, options: DrainOptions): Promise<void> {
  // At a terminal nobody waits for a Service to lose its endpoint.
  const delayMs = signal === "SIGINT" ? 0 : options.delayMs;
  log.info({ signal, delayMs }, "draining");
  const clean = await drain(app, state, { ...options, delayMs });
  log.info({ clean }, "stopped");
}

/** Loads certificate and configuration from where the options say, and follows them. What ends that goes to `stops`. */
async function startSources(running: Running, options: WebhookOptions, stops: Stop[]): Promise<void> {
  const { certificateFiles, cluster, injection } = options;
  if (certificateFiles !== undefined) {
    stops.push(await followCertificateFiles(certificateFiles, certificateListener(running)));
  }
  if (cluster.configuration === undefined) {
    stops.push(await followConfigurationFiles(injection, configurationListener(running)));
  }
  if (Object.values(cluster).every((source) => source === undefined)) return;
  const { startClusterSources } = await import("./cluster/sources.ts");
  await startClusterSources(running, cluster, injection, stops);
}

/** Runs the webhook until a signal ends it: certificate and configuration first, then the port, then the wait. */
export async function runWebhook(options: WebhookOptions, log: Logger): Promise<void> {
  const ended = endSignal();
  const [state, metrics] = [createState(), createMetrics()];
  const app = buildApp({ state, metrics, log, limits: options.limits });
  const running: Running = { app, state, metrics, log };
  state.facts = factsFromFlags(options.injection);

  const stops: Stop[] = [];
  const started = startSources(running, options, stops).then(() => "started" as const);
  if ((await Promise.race([started, ended])) === "started") {
    const { address, port } = await listen(app, state, options.address, options.port);
    announce(log, { address, port, revision: state.settings?.revision }, "listening");
    await drainOn(await ended, running, options.drain);
  }
  for (const stop of stops) stop();
}
