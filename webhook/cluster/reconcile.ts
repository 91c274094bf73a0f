import { retryDelayMs } from "../../kubernetes/retry-delay.ts";

/** Brings about what should be. It is run again after a change, at the time it names, and after it failed. */
export interface Reconciler {
  /** Something changed. */
  readonly trigger: () => void;
  readonly stop: () => void;
}

/** setTimeout counts in 32 bits; nothing is lost by looking in between. */
const longestSleepMs = 24 * 3_600_000;

/**
 * Runs `work` one at a time.
 * @param work returns when it wants to be run again if nothing changes before
 * @param trouble is told why a run failed; another one follows, later each time
 */
export function createReconciler(work: () => Promise<Date>, trouble: (error: unknown) => void): Reconciler {
  let running = false;
  let again = false;
  let stopped = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;

  const runOnce = async (): Promise<number> => {
    try {
      const next = await work();
      failures = 0;
      return Math.min(Math.max(next.getTime() - Date.now(), 0), longestSleepMs);
    } catch (error) {
      if (!stopped) trouble(error);
      failures += 1;
      return retryDelayMs(failures - 1);
    }
  };
  const run = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    clearTimeout(timer);
    let sleepMs = 0;
    do {
      again = false;
      sleepMs = await runOnce();
    } while (again && !stopped);
    running = false;
    if (!stopped) timer = setTimeout(run, sleepMs).unref();
  };
  return {
    trigger: () => void run(),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
