import { describeProblem, OutriggerError } from "../mesh/errors.ts";
import type { Limits } from "./limits.ts";

/** An HTTP status code and a sentence for the caller. */
export interface Answer {
  readonly code: number;
  readonly message: string;
}

/** What Fastify refuses before a handler runs, in our words. */
const messages: Readonly<Record<string, (limits: Limits) => string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => "the content type must be application/json",
  FST_ERR_CTP_BODY_TOO_LARGE: ({ bodyBytes }) => `the body is larger than ${bodyBytes} bytes`,
};

function statusCodeOf(error: Error): number | undefined {
  return "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined;
}

/** What to answer when a request ends in an error. A defect of ours shows nothing of its inside. */
export function refusalOf(error: Error, limits: Limits): Answer {
  if (error instanceof OutriggerError) return { code: 400, message: error.problems.map(describeProblem).join("; ") };
  const code = statusCodeOf(error);
  // The stack ends a little before the API server's own limit on nesting (10,000) does.
  if (code === undefined && error instanceof RangeError)
    return { code: 400, message: "the object is nested too deeply" };
  if (code === undefined || code >= 500) return { code: 500, message: "the webhook failed; its log says why" };
  const known = "code" in error && typeof error.code === "string" ? messages[error.code] : undefined;
  return { code, message: known?.(limits) ?? error.message };
}
