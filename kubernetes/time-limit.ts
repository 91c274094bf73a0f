/** Longer, and the API server counts as not there. */
const timeoutMs = 5_000;

/** Waits for a call of the Kubernetes client, which has no limit of its own. @throws Error when the time is over */
export async function withinTimeLimit<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
