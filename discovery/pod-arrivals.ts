import type { ProxyIdentity } from "./identity/authentication.ts";
import type { Workload } from "./registry/workload.ts";

/** `namespace/name` of the Pod that a token is bound to. */
export function podKey({ namespace, pod }: ProxyIdentity): string {
  return `${namespace}/${pod.name}`;
}

/** Whether the Pod that the registry knows is the one that the token is bound to, and no later one of the same name. */
export function isSamePod(
  workload: Workload | undefined,
  { pod, serviceAccount }: ProxyIdentity,
): workload is Workload {
  return workload !== undefined && workload.uid === pod.uid && workload.serviceAccount === serviceAccount;
}

/** Waits for Pods that the registry does not know yet: a proxy may come before the news of its Pod. */
export interface PodArrivals {
  /** The Pod of a token; undefined if it is still unknown when the time is over. */
  wait(identity: ProxyIdentity, waitMs: number): Promise<Workload | undefined>;
  /** Looks again at these Pods. */
  notify(keys: Iterable<string>): void;
}

export function createPodArrivals(workloadOf: (key: string) => Workload | undefined): PodArrivals {
  const waiting = new Map<string, Set<() => void>>();

  /** Resolves when the Pod changes or the time is over. */
  async function nextChange(key: string, waitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiters = waiting.get(key) ?? new Set();
    waiting.set(key, waiters.add(resolve));
    const timer = setTimeout(resolve, waitMs);
    await promise;
    clearTimeout(timer);
    waiters.delete(resolve);
    if (waiters.size === 0) waiting.delete(key);
  }

  return {
    async wait(identity, waitMs) {
      const deadline = Date.now() + waitMs;
      for (;;) {
        const workload = workloadOf(podKey(identity));
        if (isSamePod(workload, identity)) return workload;
        const left = deadline - Date.now();
        if (left <= 0) return undefined;
        await nextChange(podKey(identity), left);
      }
    },
    notify(keys) {
      for (const key of keys) for (const resolve of waiting.get(key) ?? []) resolve();
    },
  };
}
