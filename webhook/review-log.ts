import type { OwnerReference } from "../mesh/pod.ts";
import type { AuditAnnotations } from "./admit.ts";
import type { Outcome, Review } from "./review.ts";

/**
 * What the log says of a review, besides its uid and how long it took: enough to find the Pod and the reason, and nothing
 * that the Pod may keep secret.
 */
export interface ReviewRecord {
  readonly namespace: string;
  readonly pod: string;
  /** `ReplicaSet/cart-7d4b9`, empty for a Pod of its own. */
  readonly owner: string;
  readonly decision: AuditAnnotations["decision"];
  readonly rule: string;
  /** Size of the JSON patch before base64; 0 without one. */
  readonly patchBytes: number;
  readonly dryRun?: true;
  /** The fields for which a Pod was denied, without their values. */
  readonly fields?: readonly string[];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The controller that made the Pod. The object is as it came, so nothing about it is certain. */
function ownerOf(references: unknown): string {
  if (!Array.isArray(references)) return "";
  const owner = references.find((one: OwnerReference | null) => one?.controller === true) as OwnerReference | undefined;
  return owner === undefined ? "" : `${text(owner.kind)}/${text(owner.name)}`;
}

/** The log record of an answered review. */
export function reviewRecord({ request }: Review, outcome: Outcome, patchBytes: number): ReviewRecord {
  const { namespace, object, dryRun } = request;
  const metadata = ("metadata" in object ? object.metadata : undefined) as Record<string, unknown> | null | undefined;
  const { decision, rule } = outcome.auditAnnotations;
  return {
    namespace,
    pod: text(metadata?.name) || text(metadata?.generateName),
    owner: ownerOf(metadata?.ownerReferences),
    decision,
    rule,
    patchBytes,
    ...(dryRun === true && { dryRun }),
    ...(!outcome.allowed && { fields: outcome.problems.map(({ field }) => field) }),
  };
}
