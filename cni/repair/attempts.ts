/** A Pod is tried again after this long, twice as long each time: its validation needs a while to run again. */
const firstPauseMs = 30_000;
const longestPauseMs = 10 * 60_000;

interface Attempt {
  readonly count: number;
  readonly notBeforeMs: number;
}

export interface AttemptLimits {
  /** Over all Pods. */
  readonly perMinute: number;
}

export type Verdict = "go" | "too-soon" | "too-many";

/**
 * Says when a Pod may be repaired: never in a tight loop for one Pod, and never so many at once that a mistake of ours
 * empties a node.
 */
export function createAttempts({ perMinute }: AttemptLimits) {
  const byUid = new Map<string, Attempt>();
  let recent: number[] = [];
  return {
    /** Asks for a turn, and takes it with the answer `go`. */
    ask(uid: string, nowMs: number): Verdict {
      const before = byUid.get(uid);
      if (before !== undefined && nowMs < before.notBeforeMs) return "too-soon";
      recent = recent.filter((time) => time > nowMs - 60_000);
      if (recent.length >= perMinute) return "too-many";
      recent.push(nowMs);
      const count = (before?.count ?? 0) + 1;
      const pauseMs = Math.min(firstPauseMs * 2 ** (count - 1), longestPauseMs);
      byUid.set(uid, { count, notBeforeMs: nowMs + pauseMs });
      return "go";
    },
    /** Forgets Pods that are gone. */
    keepOnly(uids: ReadonlySet<string>): void {
      for (const uid of byUid.keys()) if (!uids.has(uid)) byUid.delete(uid);
    },
  };
}

export type Attempts = ReturnType<typeof createAttempts>;
