import { setTimeout as delay } from "node:timers/promises";

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/**
 * Asks `check` again and again until it returns something other than undefined or false, and returns that. An error
 * that `check` throws is kept and asked over: while a cluster converges, some requests fail.
 * @throws after `timeoutMs` (120 s), with what was waited for and the last error
 */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false>,
  { timeoutMs = 120_000, intervalMs = 150 }: WaitOptions = {},
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      const found = await check();
      if (found !== undefined && found !== false) return found;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await delay(intervalMs);
  } while (Date.now() < deadline);
  const because = last === undefined ? "" : `; the last attempt failed: ${(last as Error).message}`;
  throw new Error(`after ${timeoutMs / 1000} s there was still no ${what}${because}`);
}
