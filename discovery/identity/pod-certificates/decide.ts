import type { Workload } from "../../registry/workload.ts";
import { workloadName } from "../../translate/peer-workload.ts";
import { spiffeId } from "../../translate/tls.ts";
import { requestedKey } from "./public-key.ts";
import type { PodCertificateRequest } from "./request.ts";

/** By what requests are judged. */
export interface SigningPolicy {
  readonly trustDomain: string;
  readonly lifetimeMs: number;
  /** When the authority that signs ends: no certificate outlives it. */
  readonly authorityEnd: Date;
}

/** What is certified, and for how long. */
export interface Issuance {
  /** `spiffe://cluster.local/ns/default/sa/reviews` */
  readonly identity: string;
  /** Which workload of the service account it is: `reviews-v1/reviews/v1`. */
  readonly workload: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly notBefore: Date;
  readonly lifetimeMs: number;
}

/** Reasons that Kubernetes gives a meaning are in its words. */
export type DenialReason =
  | "UnsupportedKeyType"
  | "InvalidUnverifiedUserAnnotations"
  | "InvalidPublicKey"
  | "NotThePodsServiceAccount"
  | "NotThePodsNode";

export type Decision =
  | { readonly kind: "issue"; readonly issuance: Issuance }
  | { readonly kind: "deny"; readonly reason: DenialReason; readonly message: string }
  /** Nothing can be said yet. A denial is final for the Pod, so what may still come right is waited for. */
  | { readonly kind: "wait"; readonly why: string };

/** What every Envoy of the mesh can check a peer's signature by. */
const keyTypes: readonly string[] = ["ECDSAP256", "ECDSAP384", "RSA3072", "RSA4096"];

/** The API server takes no shorter one. */
const shortestLifetimeMs = 3_600_000;
/** The longest one where a request names none. */
const defaultLifetimeSeconds = 86_400;
/** Nodes' clocks differ; the API server takes up to five minutes. */
const clockSkewMs = 2 * 60_000;

const deny = (reason: DenialReason, message: string): Decision => ({ kind: "deny", reason, message });
const wait = (why: string): Decision => ({ kind: "wait", why });

/** A Pod that is not known, or is another of the same name: the news of it may still be on its way. */
function isRunning({ spec }: PodCertificateRequest, pod: Workload | undefined): pod is Workload {
  return pod !== undefined && pod.uid === spec.podUID && pod.node !== "";
}

/** Why the request is not for the Pod; undefined if it is. */
function podMismatch({ spec }: PodCertificateRequest, pod: Workload): Decision | undefined {
  if (pod.serviceAccount !== spec.serviceAccountName) {
    const message = `the Pod runs as ${pod.serviceAccount}, not as ${spec.serviceAccountName}`;
    return deny("NotThePodsServiceAccount", `${message}; only the kubelet of its node should ask for its certificate`);
  }
  if (pod.node === spec.nodeName) return undefined;
  return deny(
    "NotThePodsNode",
    `the Pod is on ${pod.node}, not on ${spec.nodeName}; only that node's kubelet should ask`,
  );
}

function certify({ spec, metadata }: PodCertificateRequest, pod: Workload, policy: SigningPolicy, now: Date): Decision {
  const key = requestedKey(spec);
  if (key === undefined) return deny("InvalidPublicKey", "the public key cannot be read");
  if (!keyTypes.includes(key.type)) {
    return deny(
      "UnsupportedKeyType",
      `${key.type} is not supported; set the volume's keyType to one of ${keyTypes.join(", ")}`,
    );
  }
  const notBefore = new Date(Math.floor((now.getTime() - clockSkewMs) / 1000) * 1000);
  const longestMs = (spec.maxExpirationSeconds ?? defaultLifetimeSeconds) * 1000;
  const untilEndMs = policy.authorityEnd.getTime() - notBefore.getTime();
  if (untilEndMs < shortestLifetimeMs)
    return wait(`the authority ends at ${policy.authorityEnd.toISOString()}: replace it`);
  const lifetimeMs = Math.min(longestMs, untilEndMs, Math.max(policy.lifetimeMs, shortestLifetimeMs));
  const identity = spiffeId(policy.trustDomain, metadata?.namespace ?? "", spec.serviceAccountName);
  return {
    kind: "issue",
    issuance: { identity, workload: workloadName(pod), publicKey: key.spki, notBefore, lifetimeMs },
  };
}

/**
 * Judges a request that waits for this signer's answer. The API server has checked the proof of possession, and of a
 * node's request that Pod, service account and node exist, belong together, and are its own (NodeRestriction); since that
 * holds for nodes' requests only, the registry is asked as well.
 * @param pod what the registry knows under the Pod's name
 */
export function decide(
  request: PodCertificateRequest,
  pod: Workload | undefined,
  policy: SigningPolicy,
  now: Date,
): Decision {
  const { spec, metadata } = request;
  if (!isRunning(request, pod)) {
    return wait(
      `the Pod ${metadata?.namespace}/${spec.podName} with the uid ${spec.podUID} is not known to run on a node`,
    );
  }
  const mismatch = podMismatch(request, pod);
  if (mismatch !== undefined) return mismatch;
  const wishes = Object.keys(spec.unverifiedUserAnnotations ?? {});
  if (wishes.length > 0) {
    const message = `this signer knows no userAnnotations; take ${wishes.sort().join(", ")} out of the volume`;
    return deny("InvalidUnverifiedUserAnnotations", message);
  }
  return certify(request, pod, policy, now);
}
