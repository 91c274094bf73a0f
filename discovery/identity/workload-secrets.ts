import { issueCertificate } from "../../host/x509.ts";
import type { KeyAlgorithm } from "../../host/x509-keys.ts";
import { OutriggerError } from "../../mesh/errors.ts";
import { createResourceSet, type ResourceSet } from "../resources/resource-set.ts";
import { certifiedNames } from "../translate/peer-workload.ts";
import { certificateSecret, podCertificateSecret, rootsSecret } from "../translate/secrets.ts";
import { spiffeId } from "../translate/tls.ts";
import type { MeshAuthority } from "./mesh-authority.ts";
import { renewalPart } from "./renewal.ts";

export interface WorkloadName {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Which workload of the service account it is: `reviews-v1/reviews/v1`. */
  readonly workload: string;
}

/** The secrets of one workload, for as long as somebody holds them. */
export interface HeldSecrets {
  readonly set: ResourceSet;
  release(): void;
}

/** Certificates of workloads: issued when the first proxy of a workload connects, renewed while one is connected. */
export interface WorkloadSecrets {
  of(name: WorkloadName): Promise<HeldSecrets>;
  /** Those of a Pod that has key and certificate in files: where these are, and the roots. */
  inPod(): HeldSecrets;
  /** Signs everything anew with another authority. */
  replaceAuthority(authority: MeshAuthority): Promise<void>;
  /** When each certificate that is in use ends. */
  expiries(): ReadonlyMap<string, Date>;
  close(): void;
}

export interface WorkloadSecretsOptions {
  readonly authority: MeshAuthority;
  readonly trustDomain: string;
  readonly lifetimeMs: number;
  readonly keyAlgorithm?: KeyAlgorithm;
  /** After secrets changed without anybody asking. */
  readonly onChange: () => void;
  /** When a certificate could not be renewed; it is tried again. */
  readonly onFailure: (name: WorkloadName, error: unknown) => void;
}

/** A timer cannot run for longer than 24 days. */
const renewal = { retryMs: 30_000, shortestMs: 100, longestMs: 20 * 24 * 3_600_000 } as const;

interface Entry {
  readonly name: WorkloadName;
  readonly set: ResourceSet;
  holders: number;
  expiry: Date;
  timer: NodeJS.Timeout | undefined;
}

/** What an authority signs after its end nobody believes. */
function checkEnd({ notAfter }: MeshAuthority["signer"]): void {
  if (notAfter.getTime() > Date.now()) return;
  const message = `ended at ${notAfter.toISOString()}, and signs no more`;
  throw new OutriggerError("BAD_CONFIGURATION", [{ field: "the mesh's authority", message, remedy: "replace it" }]);
}

export function createWorkloadSecrets(options: WorkloadSecretsOptions): WorkloadSecrets {
  const entries = new Map<string, Promise<Entry>>();
  const ready = new Map<string, Entry>();
  let authority = options.authority;
  const inPods = createResourceSet([podCertificateSecret(), rootsSecret(authority.roots)]);

  async function issue(name: WorkloadName, entry: Pick<Entry, "set">): Promise<Date> {
    const signedBy = authority;
    checkEnd(signedBy.signer);
    const uri = spiffeId(options.trustDomain, name.namespace, name.serviceAccount);
    const issued = await issueCertificate(signedBy.signer, {
      names: certifiedNames(uri, name.workload),
      lifetimeMs: options.lifetimeMs,
      ...(options.keyAlgorithm && { keyAlgorithm: options.keyAlgorithm }),
      usages: ["server", "client"],
    });
    if (signedBy !== authority) return await issue(name, entry);
    const chain = `${issued.certificate}${signedBy.chain}`;
    entry.set.update([certificateSecret(chain, issued.privateKey), rootsSecret(signedBy.roots)]);
    return issued.notAfter;
  }

  function schedule(entry: Entry, delayMs: number): void {
    clearTimeout(entry.timer);
    if (entry.holders === 0) return;
    entry.timer = setTimeout(() => void renew(entry), delayMs);
    entry.timer.unref();
  }

  /** By what is left of it: one that ends with its authority has less than a lifetime. */
  function renewalDelay({ expiry }: Entry): number {
    const delay = (expiry.getTime() - Date.now()) * renewalPart();
    return Math.min(Math.max(delay, renewal.shortestMs), renewal.longestMs);
  }

  async function renew(entry: Entry): Promise<void> {
    try {
      entry.expiry = await issue(entry.name, entry);
      schedule(entry, renewalDelay(entry));
      options.onChange();
    } catch (error) {
      options.onFailure(entry.name, error);
      schedule(entry, renewal.retryMs);
    }
  }

  async function create(name: WorkloadName, key: string): Promise<Entry> {
    const set = createResourceSet();
    const expiry = await issue(name, { set });
    const entry: Entry = { name, set, holders: 0, expiry, timer: undefined };
    ready.set(key, entry);
    return entry;
  }

  function release(key: string, entry: Entry): void {
    entry.holders -= 1;
    if (entry.holders > 0) return;
    clearTimeout(entry.timer);
    entries.delete(key);
    ready.delete(key);
  }

  return {
    async of(name) {
      const key = `${name.namespace}/${name.serviceAccount}/${name.workload}`;
      const pending = entries.get(key) ?? create(name, key);
      entries.set(key, pending);
      try {
        const entry = await pending;
        entry.holders += 1;
        if (entry.holders === 1) schedule(entry, renewalDelay(entry));
        return { set: entry.set, release: () => release(key, entry) };
      } catch (error) {
        entries.delete(key);
        throw error;
      }
    },
    inPod: () => ({ set: inPods, release() {} }),
    async replaceAuthority(next) {
      authority = next;
      if (inPods.update([rootsSecret(next.roots)]).size > 0) options.onChange();
      await Promise.all([...ready.values()].map(renew));
    },
    expiries: () => new Map([...ready].map(([key, { expiry }]) => [key, expiry])),
    close() {
      for (const { timer } of ready.values()) clearTimeout(timer);
    },
  };
}
