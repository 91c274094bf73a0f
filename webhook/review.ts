import * as v from "valibot";
import { OutriggerError, type Problem } from "../mesh/errors.ts";
import { checked } from "../mesh/schema-problems.ts";
import type { Admission, AuditAnnotations } from "./admit.ts";
import { encodePatch } from "./encode-patch.ts";
import { nestsTooDeeply } from "./json-depth.ts";

/** The versions of the API that are understood; each review is answered in its own. */
const reviewVersions = ["admission.k8s.io/v1", "admission.k8s.io/v1beta1"] as const;

const groupVersionKind = v.looseObject({
  group: v.optional(v.string(), ""),
  version: v.string(),
  kind: v.string(),
});

const anyObject = v.custom<object>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  "must be an object",
);

const reviewSchema = v.object({
  apiVersion: v.picklist(reviewVersions),
  kind: v.literal("AdmissionReview"),
  request: v.object({
    uid: v.pipe(v.string(), v.nonEmpty("must not be empty")),
    kind: v.optional(groupVersionKind),
    namespace: v.optional(v.string(), ""),
    operation: v.optional(v.picklist(["CREATE", "UPDATE", "DELETE", "CONNECT"]), "CREATE"),
    dryRun: v.optional(v.nullable(v.boolean())),
    object: anyObject,
  }),
});

/**
 * A request to admit an object, as the API server sends it. What the answer does not depend on is left out.
 * Shapes: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
 */
export type Review = v.InferOutput<typeof reviewSchema>;

type Allowed = Extract<Admission, { allowed: true }>;

/** What an answer is written from: an `Admission`, or an allowance that no decision stands behind. */
export type Outcome = Omit<Allowed, "decision"> | Extract<Admission, { allowed: false }>;

/** What goes back to the API server. */
export interface ReviewAnswer {
  readonly apiVersion: Review["apiVersion"];
  readonly kind: "AdmissionReview";
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly patchType?: "JSONPatch";
    /** The JSON patch in base64. */
    readonly patch?: string;
    readonly warnings?: readonly string[];
    readonly auditAnnotations: AuditAnnotations;
    readonly status?: { readonly status: "Failure"; readonly reason: string; readonly code: number; message: string };
  };
}

/** A body that is not a review at all. */
function malformed(problem: Omit<Problem, "field">, cause?: unknown): OutriggerError {
  return new OutriggerError("BAD_REVIEW", [{ field: "the request's body", ...problem }], { cause });
}

/** What JSON.parse says, without the piece of the text that it quotes: a Pod may hold secrets. */
function withoutExcerpt(message: string): string {
  return message.replace(/, (?:\.\.\.)?"[\s\S]*$/, "");
}

function parseJson(body: string): unknown {
  if (body.length === 0) throw malformed({ message: "is empty", remedy: "send an AdmissionReview as JSON" });
  if (nestsTooDeeply(body)) throw malformed({ message: "is nested too deeply" });
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw malformed({ message: `is not JSON: ${withoutExcerpt((cause as Error).message)}` }, cause);
  }
}

/**
 * Reads an AdmissionReview.
 * @throws OutriggerError BAD_REVIEW with every field that is missing or has the wrong form
 */
export function parseReview(body: string): Review {
  return checked(reviewSchema, parseJson(body), "", "BAD_REVIEW");
}

/** Whether the review is of a new Pod. Anything else is allowed as it is: Outrigger has no say in it. */
export function isPodCreation({ request: { kind, operation } }: Review): boolean {
  return operation === "CREATE" && (kind === undefined || (kind.kind === "Pod" && kind.group === ""));
}

/** The API server cuts longer warnings off, and drops all of them past 4,096 characters. */
const longestWarning = 256;

function warningsOf({ warnings }: Outcome): { warnings?: string[] } {
  return warnings.length === 0 ? {} : { warnings: warnings.map((warning) => warning.slice(0, longestWarning)) };
}

/** Writes the answer to a review. An empty patch is left out, since the API server then has nothing to apply. */
export function answerReview({ apiVersion, request: { uid } }: Review, outcome: Outcome): ReviewAnswer {
  const common = { uid, ...warningsOf(outcome), auditAnnotations: outcome.auditAnnotations };
  if (!outcome.allowed) {
    const status = { status: "Failure", reason: "Invalid", code: 422, message: outcome.message } as const;
    return { apiVersion, kind: "AdmissionReview", response: { ...common, allowed: false, status } };
  }
  const changes =
    outcome.patch.length === 0 ? {} : ({ patchType: "JSONPatch", patch: encodePatch(outcome.patch) } as const);
  return { apiVersion, kind: "AdmissionReview", response: { ...common, allowed: true, ...changes } };
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** An answer in ASCII, in two parts: its length in bytes is its length. The review's uid stands between them. */
export interface PrintedAnswer {
  readonly before: string;
  readonly after: string;
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, escaped);
}

/** Prints an answer. The patch is most of it, and base64 has nothing to escape: it is not looked through for that. */
export function printAnswer({
  apiVersion,
  kind,
  response: { uid: _, patch, ...response },
}: ReviewAnswer): PrintedAnswer {
  const before = `{"apiVersion":"${apiVersion}","kind":"${kind}","response":{"uid":`;
  const rest = asciiJson(response).slice(1, -1);
  return { before, after: patch === undefined ? `,${rest}}}` : `,${rest},"patch":"${patch}"}}` };
}

/** The printed answer to the review with this uid. */
export function answerTo(uid: string, { before, after }: PrintedAnswer): string {
  return `${before}${asciiJson(uid)}${after}`;
}
