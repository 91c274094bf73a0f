/** What one server takes on at most. Every wait ends, and no client can make it hold more memory than this. */
export interface Limits {
  /** Bytes of one body; the API server's own objects end at about 3 MiB. More is answered with 413. */
  readonly bodyBytes: number;
  /** Bytes of all bodies that are being received at one time. More is answered with 429. */
  readonly bodyBytesInFlight: number;
  /** A body of this size or less is taken even then: a few large and slow ones must not keep ordinary Pods waiting. */
  readonly smallBodyBytes: number;
  /** Connections that are served; requests on further ones are answered with 429. */
  readonly connections: number;
  /** An event loop that is busier for two seconds would answer later than the API server waits: 503. */
  readonly eventLoopDelayMs: number;
  /** From a request's first byte to its last. */
  readonly requestTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** How long an idle connection stays open; longer than the API server keeps its own (90 s), so that it closes first. */
  readonly keepAliveTimeoutMs: number;
}

export const defaultLimits: Limits = {
  bodyBytes: 6 * 1024 * 1024,
  bodyBytesInFlight: 64 * 1024 * 1024,
  smallBodyBytes: 64 * 1024,
  connections: 1000,
  eventLoopDelayMs: 2000,
  requestTimeoutMs: 10_000,
  headersTimeoutMs: 5_000,
  handshakeTimeoutMs: 5_000,
  keepAliveTimeoutMs: 120_000,
};

/** Why a request is turned away: the HTTP status code and a sentence for the caller. */
export interface Refusal {
  readonly code: 429 | 503;
  readonly message: string;
}

/** What the server carries at a moment. */
export interface Load {
  readonly connections: number;
  readonly bodyBytesInFlight: number;
  readonly eventLoopDelayMs: number;
}

/** Whether another request of `bodyBytes` can be taken on. */
export function refusalFor(load: Load, bodyBytes: number, limits: Limits): Refusal | undefined {
  if (load.connections > limits.connections) {
    return { code: 429, message: `more than ${limits.connections} connections are open; try again in a second` };
  }
  const isSmall = bodyBytes <= limits.smallBodyBytes;
  if (!isSmall && load.bodyBytesInFlight + bodyBytes > limits.bodyBytesInFlight) {
    const message = `requests of more than ${limits.bodyBytesInFlight} bytes are being received; try again in a second`;
    return { code: 429, message };
  }
  if (load.eventLoopDelayMs > limits.eventLoopDelayMs) {
    const delay = Math.round(load.eventLoopDelayMs);
    return { code: 503, message: `the webhook is ${delay} ms behind with its work; try again in a second` };
  }
  return undefined;
}
