import "reflect-metadata"; // @peculiar/x509's dependency injection needs it loaded first
import { PublicKey } from "@peculiar/x509";
import { signLeaf } from "../../../host/x509.ts";
import { certificatePem } from "../../../host/x509-keys.ts";
import { certifiedNames } from "../../translate/peer-workload.ts";
import type { MeshAuthority } from "../mesh-authority.ts";
import { renewalPart } from "../renewal.ts";
import type { Decision, Issuance } from "./decide.ts";

interface Condition {
  readonly type: "Issued" | "Denied" | "Failed";
  readonly status: "True";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

/** The answer to a request. With a certificate its times are those that stand in it. */
export interface RequestStatus {
  readonly conditions: readonly [Condition];
  /** The leaf and the intermediates below the root, as PEM. */
  readonly certificateChain?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  /** When the kubelet should ask for the next one. */
  readonly beginRefreshAt?: string;
}

/** Kubernetes' times have whole seconds. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}

function condition(type: Condition["type"], reason: string, message: string, now: Date): Condition {
  return { type, status: "True", reason, message, lastTransitionTime: timestamp(now) };
}

export function deniedStatus({ reason, message }: Extract<Decision, { kind: "deny" }>, now: Date): RequestStatus {
  return { conditions: [condition("Denied", reason, message, now)] };
}

/** When signing itself does not work, which it will not at the next try either. */
export function failedStatus(why: string, now: Date): RequestStatus {
  const message = `signing failed: ${why}; recreate the Pod once discovery's log says no more of it`;
  return { conditions: [condition("Failed", "SigningFailed", message, now)] };
}

/** Signs. @throws what WebCrypto says of a key that it cannot use */
export async function issuedStatus(
  { identity, workload, publicKey, notBefore, lifetimeMs }: Issuance,
  { signer, chain }: MeshAuthority,
  now: Date,
): Promise<RequestStatus> {
  const certificate = await signLeaf(signer, new PublicKey(new Uint8Array(publicKey)), {
    names: certifiedNames(identity, workload),
    usages: ["server", "client"],
    lifetimeMs,
    now: notBefore,
    notBefore,
  });
  const validMs = certificate.notAfter.getTime() - certificate.notBefore.getTime();
  return {
    conditions: [condition("Issued", "Issued", `certified as ${identity}`, now)],
    certificateChain: `${certificatePem(certificate)}${chain}`,
    notBefore: timestamp(certificate.notBefore),
    notAfter: timestamp(certificate.notAfter),
    beginRefreshAt: timestamp(new Date(certificate.notBefore.getTime() + validMs * renewalPart())),
  };
}
