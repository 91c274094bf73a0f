import type { V1MutatingWebhookConfiguration } from "@kubernetes/client-node";
import { issueServingCertificate } from "../../host/x509.ts";
import { dueStep, nextStepTime, type RotationPeriods, renewalTime } from "../authority/rotation.ts";
import { type Authorities, readAuthorities } from "../authority/secret-data.ts";
import { type ServingPair, servingPair } from "../certificate.ts";
import type { Trust } from "../state.ts";
import { type AuthoritySecret, describeSecret, followSecret, rotateWhenDue } from "./authority-secret.ts";
import type { ClusterClient } from "./client.ts";
import { createReconciler } from "./reconcile.ts";
import { distrusting, followRegistrations, trust } from "./registrations.ts";

/** Certificates that the webhook makes itself. */
export interface SelfManagedOptions {
  readonly secret: AuthoritySecret;
  readonly periods: RotationPeriods;
  /** How long a certificate is valid; it is renewed after two thirds. */
  readonly certificateLifetimeMs: number;
  /** The names by which the API server reaches the Service. */
  readonly dnsNames: readonly string[];
  /** Which registrations are to trust the authority: `app.kubernetes.io/name=outrigger,istio.io/rev=default`. */
  readonly registrationSelector: string;
}

export interface SelfManagedListener {
  readonly loaded: (pair: ServingPair) => void;
  /** A step of the authority's life, or registrations that were made to trust it. */
  readonly happened: (what: string, details: object) => void;
  readonly trouble: (error: unknown) => void;
  /** Whether the API servers would accept what is served. */
  readonly compared: (trust: Trust) => void;
}

/** The certificate that is served, and the authority that signed it. */
interface Served {
  readonly pair: ServingPair;
  readonly authority: string;
}

/** What the cluster says, as far as it has said anything. */
interface Seen {
  secret?: Readonly<Record<string, string>> | "missing";
  registrations?: readonly V1MutatingWebhookConfiguration[];
}

/** Before what was just written comes back by the watch, or another replica has done its work. */
const shortWaitMs = 1000;

async function issue(current: Authorities["current"], options: SelfManagedOptions): Promise<Served> {
  const names = { dns: options.dnsNames };
  const leaf = await issueServingCertificate(current, { names, lifetimeMs: options.certificateLifetimeMs });
  const pair = servingPair(leaf.certificate, leaf.privateKey, describeSecret(options.secret), new Date());
  return { pair, authority: current.pem.certificate };
}

function isCurrent(served: Served | undefined, { current }: Authorities, now: Date): served is Served {
  return served !== undefined && served.authority === current.pem.certificate && now < renewalTime(served.pair);
}

function earlier(one: Date, other: Date): Date {
  return new Date(Math.min(one.getTime(), other.getTime()));
}

/** One run: bring the authority on, serve a certificate of it, and have it trusted. Returns when to run again. */
function createWork(client: ClusterClient, options: SelfManagedOptions, listener: SelfManagedListener, seen: Seen) {
  let served: Served | undefined;

  const serve = async (known: Authorities): Promise<Served> => {
    if (isCurrent(served, known, new Date())) return served;
    served = await issue(known.current, options);
    listener.loaded(served.pair);
    return served;
  };
  const haveTrusted = async ({ trusted }: Authorities, { authority }: Served): Promise<void> => {
    const { registrations = [] } = seen;
    listener.compared({ registrations: registrations.length, distrusting: distrusting(registrations, authority) });
    const patched = await trust(client, registrations, trusted);
    if (patched.length > 0) listener.happened("registrations trust the authority", { patched });
  };
  return async (): Promise<Date> => {
    const now = new Date();
    const soon = new Date(now.getTime() + shortWaitMs);
    if (seen.secret === undefined) return soon;
    const known = await readAuthorities(seen.secret === "missing" ? {} : seen.secret, describeSecret(options.secret));
    const due = dueStep(known, now, options.periods);
    if (due !== undefined) {
      const step = await rotateWhenDue(client, options.secret, options.periods);
      if (step !== undefined) listener.happened("authority", { step });
    }
    if (known === undefined || due === "create") return soon;
    const current = await serve(known);
    await haveTrusted(known, current);
    return due === undefined ? earlier(renewalTime(current.pair), nextStepTime(known, options.periods)) : soon;
  };
}

/**
 * Keeps a certificate served: the authority in a Secret that all replicas share, a short-lived certificate of it in
 * memory, and the authority in the caBundle of the registrations. The function returned ends it.
 */
export function keepSelfManaged(client: ClusterClient, options: SelfManagedOptions, listener: SelfManagedListener) {
  const seen: Seen = {};
  const reconciler = createReconciler(createWork(client, options, listener, seen), listener.trouble);
  const secret = followSecret(client, options.secret, listener.trouble, (data) => {
    seen.secret = data ?? "missing";
    reconciler.trigger();
  });
  const registrations = followRegistrations(client, options.registrationSelector, listener.trouble, (found) => {
    seen.registrations = found;
    reconciler.trigger();
  });
  return () => {
    reconciler.stop();
    secret.stop();
    registrations.stop();
  };
}
