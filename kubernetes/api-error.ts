import { ApiException } from "@kubernetes/client-node";

/** The HTTP status of the API server's refusal; undefined when the error is of another kind. */
export function statusOfError(error: unknown): number | undefined {
  if (error instanceof ApiException) return error.code;
  // A watch that is refused.
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" ? status : undefined;
}

/** What went wrong, in one line. The client's own message has the whole answer, headers and all. */
export function describeError(error: unknown): string {
  if (!(error instanceof ApiException)) return error instanceof Error ? rootMessage(error) : String(error);
  const body: unknown = typeof error.body === "string" ? parsed(error.body) : error.body;
  const message = typeof body === "object" && body !== null && "message" in body ? String(body.message) : "";
  return `the API server answered ${error.code}: ${message}`;
}

/** `fetch failed` says nothing; its cause does. */
function rootMessage(error: Error): string {
  return error.cause instanceof Error ? rootMessage(error.cause) : error.message || error.name;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text.slice(0, 200) };
  }
}
