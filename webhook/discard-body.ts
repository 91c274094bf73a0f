import type { IncomingMessage } from "node:http";

/** A client that sends more than this, or longer, is cut off. */
const mostBytes = 64 * 1024 * 1024;
const longestMs = 2000;

/**
 * Reads what is left of a request's body and throws it away. A connection that is closed while its client still writes
 * is reset, and the client never sees the answer that says why. Ends soon in any case.
 */
export function discardBody(request: IncomingMessage): Promise<void> {
  return new Promise((done) => {
    if (request.readableEnded || request.destroyed) return done();
    let bytes = 0;
    const finish = () => {
      clearTimeout(timer);
      request.off("data", count).off("end", finish).off("close", finish);
      done();
    };
    const count = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBytes) finish();
    };
    const timer = setTimeout(finish, longestMs);
    request.on("data", count).once("end", finish).once("close", finish);
  });
}
