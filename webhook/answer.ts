import { admit } from "./admit.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import { answerReview, isPodCreation, type Outcome, type PrintedAnswer, parseReview, printAnswer } from "./review.ts";
import { type ReviewRecord, reviewRecord } from "./review-log.ts";
import type { InjectionSettings } from "./settings.ts";

/** What there is to say of a review, whatever its uid is. */
export interface Verdict {
  readonly answer: PrintedAnswer;
  /** What log and metrics say of it. */
  readonly record: ReviewRecord;
}

/** A review with its answer. */
export interface AnsweredReview {
  readonly uid: string;
  readonly verdict: Verdict;
  readonly outcome: Outcome;
  /** The JSON patch in base64; empty without one. */
  readonly patch: string;
}

/** The answer to what Outrigger has no say in. The webhook configurations that it installs never ask for it. */
function leaveAlone(kind: string, operation: string, { revision }: InjectionSettings): Outcome {
  return {
    allowed: true,
    patch: [],
    warnings: [`outrigger injects Pods when they are created, and leaves alone the ${operation} of this ${kind}`],
    auditAnnotations: { decision: "skip", rule: "not-a-pod-creation", revision },
  };
}

/** What a review is answered with, besides what stands in it. */
export interface AnswerContext {
  /** The path that was called; it can set the proxy's environment. */
  readonly path: string;
  readonly settings: InjectionSettings;
  readonly facts: ClusterFacts;
}

/**
 * Answers one review.
 * @throws OutriggerError BAD_REVIEW when the body is no review; RangeError when it is nested too deeply to be handled
 */
export function answer(body: string, { path, settings, facts }: AnswerContext): AnsweredReview {
  const review = parseReview(body);
  const { kind, operation, uid } = review.request;
  const outcome = isPodCreation(review)
    ? admit({ ...review.request, path }, settings, facts)
    : leaveAlone(kind?.kind ?? "object", operation, settings);
  const reply = answerReview(review, outcome);
  const { patch = "" } = reply.response;
  const record = reviewRecord(review, outcome, Buffer.byteLength(patch, "base64"));
  return { uid, verdict: { answer: printAnswer(reply), record }, outcome, patch };
}
