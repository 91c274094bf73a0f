import { admit } from "./admit.ts";
import type { ClusterFacts } from "./cluster-facts.ts";
import type { ReviewMeasure } from "./metrics.ts";
import { answerReview, isPodCreation, type Outcome, parseReview, printAnswer, type Review } from "./review.ts";
import type { InjectionSettings } from "./settings.ts";

/** A review with its answer, and what log and metrics say of it. */
export interface AnsweredReview {
  /** The AdmissionReview that goes back, as JSON in ASCII. */
  readonly body: string;
  readonly review: Review;
  readonly outcome: Outcome;
  readonly patchBytes: number;
}

/** The answer to what Outrigger has no say in. The webhook configurations that it installs never ask for it. */
function leaveAlone({ request: { kind, operation } }: Review, { revision }: InjectionSettings): Outcome {
  const object = kind?.kind ?? "object";
  return {
    allowed: true,
    patch: [],
    warnings: [`outrigger injects Pods when they are created, and leaves alone the ${operation} of this ${object}`],
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
  const outcome = isPodCreation(review)
    ? admit({ ...review.request, path }, settings, facts)
    : leaveAlone(review, settings);
  const reply = answerReview(review, outcome);
  const { patch } = reply.response;
  const patchBytes = patch === undefined ? 0 : Buffer.byteLength(patch, "base64");
  return { body: printAnswer(reply), review, outcome, patchBytes };
}

/** What the metrics count of a review. */
export function measureOf({ outcome, patchBytes }: AnsweredReview, ms: number): ReviewMeasure {
  const { decision, rule } = outcome.auditAnnotations;
  return { decision, rule, patchBytes, seconds: ms / 1000 };
}
