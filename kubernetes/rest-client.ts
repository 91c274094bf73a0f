import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { ServiceAccount } from "./service-account.ts";

export interface RestRequest {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE";
  /** Such as `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** A refusal of the API server's. */
export class RestError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(`the API server answered ${status}: ${message}`);
    this.name = "RestError";
    this.status = status;
  }
}

/** The API server, spoken to as it is: objects go in and come out as raw JSON. */
export interface RestClient {
  /**
   * Asks, and reads the whole answer.
   * @throws RestError, or Error when there is no answer within `requestTimeoutMs`
   */
  ask<T>(request: RestRequest): Promise<T>;
  /** Asks, and hands over the answer's body as it comes, until the signal. @throws as `ask` */
  open(request: RestRequest, signal: AbortSignal): Promise<IncomingMessage>;
  close(): void;
}

const requestTimeoutMs = 4_000;
/** A node's Pods, many times over. */
const longestAnswerBytes = 128 * 1024 * 1024;
const longestRefusalBytes = 64 * 1024;
/** A connection whose other side is gone without a word is noticed by the kernel's probes, which start after this long. */
const keepAliveMs = 15_000;

async function readBody(response: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) throw new Error(`the API server's answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function refusal(response: IncomingMessage): Promise<RestError> {
  const text = await readBody(response, longestRefusalBytes);
  let message = text.slice(0, 200);
  try {
    message = String((JSON.parse(text) as { message?: unknown }).message ?? message);
  } catch {
    // What answered is no API server, but something before it.
  }
  return new RestError(response.statusCode ?? 0, message);
}

/** The signal's own reason where that ended it: `The operation was aborted` names no cause. */
async function withReason<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** Connects by a Pod's service account. Connections are kept; nothing is asked yet. */
export function connectByServiceAccount({ host, port, authorities, token }: ServiceAccount): RestClient {
  const agent = new Agent({ keepAlive: true, keepAliveMsecs: keepAliveMs, maxSockets: 16 });

  async function sendAs(
    bearer: string,
    { method = "GET", path, query = {}, body, contentType }: RestRequest,
    signal: AbortSignal,
  ) {
    const parameters = new URLSearchParams(query).toString();
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      authorization: `Bearer ${bearer}`,
      accept: "application/json",
      "user-agent": "outrigger",
      // Node.js tells the length of a DELETE's body only when asked to.
      ...(content !== undefined && {
        "content-type": contentType ?? "application/json",
        "content-length": content.length,
      }),
    };
    const target = parameters === "" ? path : `${path}?${parameters}`;
    const ca = await authorities.read();
    const outgoing = request({ host, port, ca, agent, method, headers, signal, path: target });
    // Whoever waits for the head hears of an error, and then whoever reads the body; a third one must end nothing.
    outgoing.on("error", () => undefined);
    outgoing.end(content);
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    if ((response.statusCode ?? 0) >= 400) throw await refusal(response);
    return response;
  }

  /** A token that is refused may have been renewed since it was read. */
  async function send(request: RestRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const bearer = await token.read();
    try {
      return await sendAs(bearer, request, signal);
    } catch (error) {
      if (!(error instanceof RestError && error.status === 401)) throw error;
      token.forget();
      const renewed = await token.read();
      if (renewed === bearer) throw error;
      return sendAs(renewed, request, signal);
    }
  }

  function limited(): { readonly signal: AbortSignal; readonly done: () => void } {
    const ending = new AbortController();
    const late = () => ending.abort(new Error(`no answer within ${requestTimeoutMs} ms`));
    const timer = setTimeout(late, requestTimeoutMs);
    return { signal: ending.signal, done: () => clearTimeout(timer) };
  }

  return {
    async ask<T>(request: RestRequest) {
      const { signal, done } = limited();
      try {
        const work = send(request, signal).then((response) => readBody(response, longestAnswerBytes));
        return JSON.parse(await withReason(work, signal)) as T;
      } finally {
        done();
      }
    },
    async open(request, signal) {
      const head = limited();
      try {
        const either = AbortSignal.any([signal, head.signal]);
        return await withReason(send(request, either), either);
      } finally {
        head.done();
      }
    },
    close: () => agent.destroy(),
  };
}
