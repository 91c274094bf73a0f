import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Logger } from "pino";
import { announce } from "../host/log.ts";
import { issueServingCertificate } from "../host/x509.ts";
import type { KeyAlgorithm } from "../host/x509-keys.ts";
import type { AdsEvents } from "./ads/connection.ts";
import { type ControlPlane, createControlPlane } from "./control-plane.ts";
import { buildHttp } from "./http.ts";
import type { Authenticator } from "./identity/authentication.ts";
import type { AuthoritySource } from "./identity/authority-source.ts";
import type { MeshAuthority } from "./identity/mesh-authority.ts";
import { createServingCertificate, type ServingCertificate } from "./identity/serving-certificate.ts";
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
export interface DiscoveryOptions {
  readonly address: string;
  /** 0 takes any free port; the log line `listening` tells it. */
  readonly port: number;
  readonly httpPort: number;
  /** Names and addresses that proxies reach discovery by. */
  readonly servingNames: { readonly dns: readonly string[]; readonly ip: readonly string[] };
  readonly settings: MeshSettings;
  readonly source: ObjectSource;
  readonly authority: AuthoritySource;
  readonly authenticate: Authenticator;
  readonly certificateLifetimeMs: number;
  readonly keyAlgorithm: KeyAlgorithm;
  readonly drainMs: number;
}

const servingLifetimeMs = 7 * 24 * 3_600_000;

async function servingPair({ signer, chain }: MeshAuthority, { servingNames, authority }: DiscoveryOptions) {
  const { serving } = authority;
  const options = { names: servingNames, lifetimeMs: servingLifetimeMs };
  const { certificate, privateKey } = await issueServingCertificate(serving ?? signer, options);
  return { certificate: `${certificate}${serving === undefined ? chain : ""}`, privateKey };
}

/** Keeps the shown certificate fresh. */
async function renewServing(
  certificate: ServingCertificate,
  authority: () => MeshAuthority,
  options: DiscoveryOptions,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await wait(servingLifetimeMs / 2, undefined, { signal, ref: false });
    certificate.replace(await servingPair(authority(), options));
  }
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
function followAuthority(
  options: DiscoveryOptions,
  { secrets }: ControlPlane,
  certificate: ServingCertificate,
  log: Logger,
) {
  let current = options.authority.authority;
  options.authority.follow(
    (authority) => {
      current = authority;
      const renewed = async () => {
        certificate.replace(await servingPair(authority, options));
        await secrets.replaceAuthority(authority);
        log.info("authority replaced");
      };
      renewed().catch((error: unknown) => log.error({ error: (error as Error).message }, "authority not replaced"));
    },
    (error) => log.error({ error: (error as Error).message }, "authority not usable, keeping the old one"),
  );
  return () => current;
}

/** Runs the control plane until a signal comes, then sends its proxies elsewhere and ends. */
export async function runDiscovery(options: DiscoveryOptions, log: Logger): Promise<void> {
  const end = endSignal();
  const certificate = createServingCertificate(await servingPair(options.authority.authority, options));
  const metrics: Metrics = createMetrics(() => controlPlane.secrets.expiries());
  const events = adsEvents(
    log,
    () => metrics,
    () => controlPlane.ads.streams().length,
  );
  const controlPlane = createControlPlane({
    settings: options.settings,
    authenticate: options.authenticate,
    certificate,
    secrets: (onChange) => workloadSecrets(options, log, onChange),
    events: { ...events, onUpdated: (update) => metrics.updated(update) },
  });
  const stopped = new AbortController();
  const authority = followAuthority(options, controlPlane, certificate, log);
  renewServing(certificate, authority, options, stopped.signal).catch(() => {});
  let isReady = false;
  const http = buildHttp({ metrics, isReady: () => isReady, streams: () => controlPlane.ads.streams() });
  const onSourceError = (error: unknown) => log.error({ error: (error as Error).message }, "objects not readable");
  await options.source.start(controlPlane.apply, onSourceError);
  controlPlane.flush();
  const port = await controlPlane.ads.listen(options.address, options.port);
  await http.listen({ host: options.address, port: options.httpPort });
  isReady = true;
  const [httpAddress] = http.addresses() as AddressInfo[];
  announce(log, { address: options.address, port, httpPort: httpAddress?.port }, "listening");
  log.info({ signal: await end }, "draining");
  isReady = false;
  options.source.close();
  options.authority.close();
  stopped.abort();
  await controlPlane.ads.drain(options.drainMs);
  controlPlane.close();
  await http.close();
}
