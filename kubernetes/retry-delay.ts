const firstRetryMs = 500;
const longestRetryMs = 30_000;

/** How long to wait before the next try: twice as long each time, and never the same for two replicas. */
export function retryDelayMs(failures: number, random = Math.random()): number {
  const delay = Math.min(firstRetryMs * 2 ** Math.min(failures, 10), longestRetryMs);
  return delay / 2 + (delay / 2) * random;
}
