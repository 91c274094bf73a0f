import type { Logger } from "pino";
import type { OutriggerError } from "../mesh/errors.ts";
import type { App } from "./app.ts";
import type { ServingPair } from "./certificate.ts";
import type { CertificateListener } from "./certificate-files.ts";
import type { ConfigurationListener } from "./configuration-files.ts";
import type { Metrics } from "./metrics.ts";
import { serveCertificate } from "./server.ts";
import type { ServerState } from "./state.ts";

/** A server with all that it tells the world by. */
export interface Running {
  readonly app: App;
  readonly state: ServerState;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Whoever finds a certificate tells this. */
export function certificateListener({ app, state, metrics, log }: Running): CertificateListener {
  return {
    loaded(pair: ServingPair) {
      serveCertificate(app, state, pair);
      metrics.certificateLoaded(pair.notAfter);
      const { names, fingerprint, notAfter } = pair;
      log.info({ names, fingerprint, notAfter }, "serving certificate");
    },
    refused(error: OutriggerError) {
      metrics.certificateRefused();
      log.error({ reason: error.message }, "certificate refused; the one before stays");
    },
  };
}

/** Whoever finds a configuration tells this. */
export function configurationListener({ state, metrics, log }: Running): ConfigurationListener {
  return {
    loaded(settings) {
      state.settings = settings;
      metrics.configurationLoaded();
      const { revision, profile, policy, warnings } = settings;
      log.info({ revision, profile, policy }, "configuration loaded");
      for (const warning of warnings) log.warn({ warning }, "the configuration says something in vain");
    },
    refused(error) {
      metrics.configurationRefused();
      const outcome = state.settings === undefined ? "there is none yet" : "the one before stays";
      log.error({ reason: error.message }, `configuration refused; ${outcome}`);
    },
  };
}
