/** What one stream may send in a window of time. Envoy's largest request names everything that it wants at once. */
const limits = { requests: 5_000, bytes: 64 * 1024 * 1024, windowMs: 10_000 } as const;

/** Counts requests and their bytes; says when one is too many for its window of time. */
export function createRequestLimit(): (now: number, bytes: number) => boolean {
  let windowStart = 0;
  let requests = 0;
  let received = 0;
  return (now, bytes) => {
    if (now - windowStart > limits.windowMs) {
      windowStart = now;
      requests = 0;
      received = 0;
    }
    requests += 1;
    received += bytes;
    return requests > limits.requests || received > limits.bytes;
  };
}
