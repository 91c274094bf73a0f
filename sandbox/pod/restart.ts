import type { PodSpec } from "./schema.ts";
import type { ContainerStatus } from "./status.ts";

export type RestartDecision = { readonly again: false } | { readonly again: true; readonly delayMs: number };

/** The kubelet waits from 10 s to 5 minutes; whoever sits before a sandbox has less patience. */
const firstDelayMs = 1000;
const longestDelayMs = 10_000;
/** A container that ran this long begins anew. */
const healthyMs = 60_000;

/** How many crashes in a row count for the wait after the next one. */
export function crashesInRow(before: number, ranMs: number): number {
  return ranMs >= healthyMs ? 0 : before + 1;
}

/** The first restart comes at once, then the wait doubles. */
export function backoffMs(crashes: number): number {
  return crashes <= 1 ? 0 : Math.min(firstDelayMs * 2 ** (crashes - 2), longestDelayMs);
}

/**
 * Whether a container that ended is started again. A sidecar always is; an init container until it succeeds, unless the
 * Pod never restarts anything; the others as the Pod says.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
 */
export function afterExit(
  role: ContainerStatus["role"],
  policy: PodSpec["restartPolicy"],
  exitCode: number,
  crashes: number,
): RestartDecision {
  const again =
    role === "sidecar" || (role === "main" && policy === "Always") || (exitCode !== 0 && policy !== "Never");
  return again ? { again: true, delayMs: backoffMs(crashes) } : { again: false };
}
