import type { Logger } from "pino";
import { type App, buildApp } from "./app.ts";
import type { ServingPair } from "./certificate.ts";
import { type CertificateFiles, readCertificateFiles, watchCertificateFiles } from "./certificate-files.ts";
import type { Limits } from "./limits.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type DrainOptions, drain, listen, serveCertificate } from "./server.ts";
import type { InjectionSettings } from "./settings.ts";
import { createState, type ServerState } from "./state.ts";

/** Everything that `outrigger webhook` needs to run. */
export interface WebhookOptions {
  readonly address: string;
  /** 0 takes any free port; the log line `listening` tells it. */
  readonly port: number;
  readonly certificateFiles: CertificateFiles;
  readonly settings: InjectionSettings;
  readonly limits: Limits;
  readonly drain: DrainOptions;
}

interface Running {
  readonly app: App;
  readonly state: ServerState;
  readonly metrics: Metrics;
  readonly log: Logger;
}

function takeCertificate({ app, state, metrics, log }: Running, pair: ServingPair): void {
  serveCertificate(app, state, pair);
  metrics.certificateLoaded(pair.notAfter);
  const { names, fingerprint, notAfter } = pair;
  log.info({ names, fingerprint, notAfter }, "serving certificate");
}

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

/** Runs the webhook until a signal ends it: certificate and configuration first, then the port, then the wait. */
export async function runWebhook(options: WebhookOptions, log: Logger): Promise<void> {
  const ended = endSignal();
  const pair = await readCertificateFiles(options.certificateFiles);
  const state = createState();
  const metrics = createMetrics();
  const app = buildApp({ state, metrics, log, limits: options.limits });
  const running: Running = { app, state, metrics, log };

  state.settings = options.settings;
  metrics.configurationLoaded();
  takeCertificate(running, pair);
  const stopWatching = watchCertificateFiles(options.certificateFiles, pair, {
    loaded: (next) => takeCertificate(running, next),
    refused(error) {
      metrics.certificateRefused();
      log.error({ reason: error.message }, "certificate refused; the one before stays");
    },
  });
  const { address, port } = await listen(app, state, options.address, options.port);
  log.info({ address, port, revision: options.settings.revision }, "listening");

  await drainOn(await ended, running, options.drain);
  stopWatching();
}
