import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import { announce } from "../host/log.ts";
import type { KeyAlgorithm } from "../host/x509-keys.ts";
import type { AdsEvents } from "./ads/connection.ts";
import { type ControlPlane, createControlPlane } from "./control-plane.ts";
import { buildHttp } from "./http.ts";
import type { Authenticator } from "./identity/authentication.ts";
import { keepServing, type Serving, type ServingOptions } from "./identity/keep-serving.ts";
import type { MeshAuthority } from "./identity/mesh-authority.ts";
import { type PodCertificateOptions, servePodCertificates } from "./identity/pod-certificates/serve.ts";
import { createWorkloadSecrets, type WorkloadSecrets } from "./identity/workload-secrets.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Change } from "./registry/objects.ts";
import type { MeshSettings } from "./translate/settings.ts";

/** Where the cluster's objects come from. It has applied all that there are when `start` resolves. */
export interface ObjectSource {
  start(apply: (change: Change) => void, onError: (error: unknown) => void): Promise<void>;
  close(): void;
}

/** Everything that `outrigger discovery` needs to run. */
export interface DiscoveryOptions extends ServingOptions {
  readonly address: string;
  /** 0 takes any free port; the log line `listening` tells it. */
  readonly port: number;
  readonly httpPort: number;
  readonly settings: MeshSettings;
  readonly source: ObjectSource;
  readonly authenticate: Authenticator;
  readonly certificateLifetimeMs: number;
  readonly keyAlgorithm: KeyAlgorithm;
  /** Whether and as whom it signs what kubelets ask for Pods. */
  readonly podCertificates: PodCertificateOptions | undefined;
  readonly drainMs: number;
}

function adsEvents(log: Logger, metrics: () => Metrics, count: () => number): AdsEvents {
  const described = ({ namespace, pod }: { namespace: string; pod: { name: string } }) => `${namespace}/${pod.name}`;
  return {
    onConnected(identity, variant) {
      metrics().connected(count());
      log.info({ pod: described(identity), serviceAccount: identity.serviceAccount, variant }, "proxy connected");
    },
    onDisconnected(identity, why) {
      metrics().connected(count());
      log.info({ pod: described(identity), why }, "proxy disconnected");
    },
    onRejected(reason, detail, peer) {
      metrics().rejected(reason);
      log.warn({ reason, detail, peer }, "stream not let in");
    },
    onSent: (kind, bytes) => metrics().sent(kind, bytes),
    onAcknowledged: (kind, sinceSentMs) => metrics().acknowledged(kind, sinceSentMs / 1000),
    onRefused(identity, kind, message, names) {
      metrics().refused(kind);
      log.error(
        { pod: described(identity), kind, names: names.slice(0, 20), message },
        "proxy refused a configuration",
      );
    },
  };
}

function workloadSecrets(options: DiscoveryOptions, log: Logger, onChange: () => void): WorkloadSecrets {
  return createWorkloadSecrets({
    authority: options.authority.authority,
    trustDomain: options.settings.trustDomain,
    lifetimeMs: options.certificateLifetimeMs,
    keyAlgorithm: options.keyAlgorithm,
    onChange,
    onFailure: (name, error) => log.error({ ...name, error: (error as Error).message }, "certificate not renewed"),
  });
}

/** The first one of these signals; a second one ends the process as if nobody listened. */
function endSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
}

/** A new authority: trusted and signed with from now on, by the proxies and towards them. */
function followAuthority({ authority }: DiscoveryOptions, { secrets }: ControlPlane, serving: Serving, log: Logger) {
  let current = authority.authority;
  authority.follow(
    (next) => {
      current = next;
      const renewed = async () => {
        await serving.replaceMeshAuthority(next);
        await secrets.replaceAuthority(next);
        log.info({ notAfter: next.signer.notAfter }, "authority replaced");
      };
      renewed().catch((error: unknown) => log.error({ error: (error as Error).message }, "authority not replaced"));
    },
    (error) => log.error({ error: (error as Error).message }, "authority not usable, keeping the old one"),
  );
  return () => current;
}

/** Signs for kubelets, where that is wanted, once the Pods are known. */
function signForPods(
  { podCertificates, settings, certificateLifetimeMs }: DiscoveryOptions,
  { snapshot }: ControlPlane,
  authority: () => MeshAuthority,
  metrics: Metrics,
  log: Logger,
): { stop(): void } {
  if (podCertificates === undefined) return { stop() {} };
  return servePodCertificates(podCertificates, {
    trustDomain: settings.trustDomain,
    lifetimeMs: certificateLifetimeMs,
    authority,
    pod: (key) => snapshot().workloads.get(key),
    log,
    count: metrics.podCertificate,
  });
}

/** Runs the control plane until a signal comes, then sends its proxies elsewhere and ends. */
export async function runDiscovery(options: DiscoveryOptions, log: Logger): Promise<void> {
  const end = endSignal();
  const serving = await keepServing(options, log);
  const metrics: Metrics = createMetrics({
    expiries: () => controlPlane.secrets.expiries(),
    authorityExpiries: () => ({ mesh: authority().signer.notAfter, discovery: serving.authority().signer.notAfter }),
  });
  const events = adsEvents(
    log,
    () => metrics,
    () => controlPlane.ads.streams().length,
  );
  const controlPlane = createControlPlane({
    settings: options.settings,
    authenticate: options.authenticate,
    certificate: serving.certificate,
    secrets: (onChange) => workloadSecrets(options, log, onChange),
    events: { ...events, onUpdated: (update) => metrics.updated(update) },
  });
  const authority = followAuthority(options, controlPlane, serving, log);
  let isReady = false;
  const http = buildHttp({ metrics, isReady: () => isReady, streams: () => controlPlane.ads.streams() });
  const onSourceError = (error: unknown) => log.error({ error: (error as Error).message }, "objects not readable");
  await options.source.start(controlPlane.apply, onSourceError);
  controlPlane.flush();
  const signing = signForPods(options, controlPlane, authority, metrics, log);
  const port = await controlPlane.ads.listen(options.address, options.port);
  await http.listen({ host: options.address, port: options.httpPort });
  isReady = true;
  const [httpAddress] = http.addresses() as AddressInfo[];
  announce(log, { address: options.address, port, httpPort: httpAddress?.port }, "listening");
  log.info({ signal: await end }, "draining");
  isReady = false;
  options.source.close();
  signing.stop();
  options.authority.close();
  serving.close();
  await controlPlane.ads.drain(options.drainMs);
  controlPlane.close();
  await http.close();
}
