import { type AnswerContext, type AnsweredReview, answer, type Verdict } from "./answer.ts";
import { type ReviewKey, reviewKey } from "./review-key.ts";
import type { ReviewRecord } from "./review-log.ts";

/** What all kept answers take together: room for some hundred of them. */
const roomBytes = 4 * 1024 * 1024;
/** Answers without a patch are small. */
const mostAnswers = 1024;

/** How many reviews' keys are remembered, to know a template when its second Pod comes. */
const mostKeys = 1024;

interface Kept {
  readonly before: string;
  readonly record: ReviewRecord;
  /** Where the rest of the answer stands. */
  readonly start: number;
  readonly end: number;
}

/**
 * Verdicts by the review's key. New ones take the place of the oldest, in memory that is taken once: as strings of their
 * own they would outlive the young generation, and where few are asked for again, double the process.
 */
function createStore() {
  const room = Buffer.allocUnsafeSlow(roomBytes);
  const kept = new Map<string, Kept>();
  let next = 0;
  /** Makes the room from `next` to `end` free. What stands there is the oldest. */
  const free = (end: number) => {
    for (const [key, { start, end: itsEnd }] of kept) {
      const isThere = start < end && itsEnd > next;
      if (!isThere && kept.size < mostAnswers) return;
      kept.delete(key);
    }
  };
  return {
    find(key: string): Verdict | undefined {
      const found = kept.get(key);
      if (found === undefined) return undefined;
      const { before, record, start, end } = found;
      return { answer: { before, after: room.toString("latin1", start, end) }, record };
    },
    keep(key: string, { answer: { before, after }, record }: Verdict) {
      if (after.length > room.length) return;
      if (next + after.length > room.length) {
        free(room.length);
        next = 0;
      }
      const [start, end] = [next, next + after.length];
      free(end);
      room.write(after, start, "latin1");
      kept.set(key, { before, record, start, end });
      next = end;
    },
    clear() {
      kept.clear();
      next = 0;
    },
  };
}

/** Tells whether a key was asked about before, as far back as it remembers. */
function createMemory(): (key: string) => boolean {
  const keys = new Set<string>();
  return (key) => {
    if (keys.has(key)) return true;
    const [oldest] = keys;
    if (oldest !== undefined && keys.size >= mostKeys) keys.delete(oldest);
    keys.add(key);
    return false;
  };
}

/**
 * Whether an answer holds for every review with the same key. A denial is not kept: its message quotes the Pod. Nor is
 * the answer to a text that names its uid more than once, where a later one could count.
 */
function holdsForAll(body: Buffer, { uid, outcome, patch }: AnsweredReview, review: ReviewKey): boolean {
  if (!outcome.allowed || review.uid !== uid || body.indexOf(uid) !== body.lastIndexOf(uid)) return false;
  const texts = [Buffer.from(patch, "base64"), ...outcome.warnings];
  return review.fresh.every((one) => texts.every((text) => !text.includes(one)));
}

/** A review's answer; `repeated` if it is that of an earlier review. */
export interface GivenAnswer extends Verdict {
  readonly uid: string;
  readonly repeated: boolean;
}

/**
 * Answers reviews, those of Pods of one template only twice: a rollout's Pods are the same but for what the API server
 * makes new for each, and get the same patch. The first answer is not kept, since many Pods have no second. Settings or
 * facts that change make all answers void.
 */
export function createAnswers(): (body: Buffer, context: AnswerContext) => GivenAnswer {
  const store = createStore();
  const cameBefore = createMemory();
  let [settings, facts]: [unknown, unknown] = [undefined, undefined];
  return (body, context) => {
    if (context.settings !== settings || context.facts !== facts) store.clear();
    ({ settings, facts } = context);
    const review = reviewKey(body, context.path);
    const known = review && store.find(review.key);
    if (review !== undefined && known !== undefined) return { uid: review.uid, ...known, repeated: true };
    const answered = answer(body.toString(), context);
    if (review !== undefined && cameBefore(review.key) && holdsForAll(body, answered, review))
      store.keep(review.key, answered.verdict);
    return { uid: answered.uid, ...answered.verdict, repeated: false };
  };
}
