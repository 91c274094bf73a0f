import type { Workload } from "../../registry/workload.ts";
import type { MeshAuthority } from "../mesh-authority.ts";
import { type DenialReason, decide, type SigningPolicy } from "./decide.ts";
import type { PodCertificateRequest } from "./request.ts";
import { deniedStatus, failedStatus, issuedStatus, type RequestStatus } from "./status.ts";

/** What an answer says, for log and metrics. */
export type Outcome =
  | { readonly kind: "issued"; readonly notAfter: string | undefined }
  | { readonly kind: "denied"; readonly reason: DenialReason; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

export type Answer =
  | { readonly status: RequestStatus; readonly outcome: Outcome }
  /** There is no answer yet. */
  | { readonly waitsFor: string };

/** Judges a request, and signs if that is the judgement. */
export async function answerTo(
  request: PodCertificateRequest,
  pod: Workload | undefined,
  authority: MeshAuthority,
  policy: Omit<SigningPolicy, "authorityEnd">,
): Promise<Answer> {
  const now = new Date();
  const decision = decide(request, pod, { ...policy, authorityEnd: authority.signer.notAfter }, now);
  if (decision.kind === "wait") return { waitsFor: decision.why };
  if (decision.kind === "deny") {
    const { reason, message } = decision;
    return { status: deniedStatus(decision, now), outcome: { kind: "denied", reason, message } };
  }
  try {
    const status = await issuedStatus(decision.issuance, authority, now);
    return { status, outcome: { kind: "issued", notAfter: status.notAfter } };
  } catch (error) {
    const { message } = error as Error;
    return { status: failedStatus(message, now), outcome: { kind: "failed", message } };
  }
}
