import { setTimeout as delay } from "node:timers/promises";
import { OutriggerError } from "../../mesh/errors.ts";
import type { ClusterApi, KubernetesObject } from "../cluster/api.ts";
import { readObject } from "../cluster/apply.ts";
import { describeObject, type Report } from "./progress.ts";

const pollMs = 250;

/** Why an object is not ready yet, or undefined when it is. */
type Pending = (object: KubernetesObject) => string | undefined;

interface DeploymentStatus {
  readonly observedGeneration?: number;
  readonly replicas?: number;
  readonly updatedReplicas?: number;
  readonly availableReplicas?: number;
}

/** A rollout has ended when every replica is of the new template and available, and none of the old is left. */
export function rolloutPending(object: KubernetesObject, minimum: number): string | undefined {
  const { replicas: wanted = 1 } = object.spec as { replicas?: number };
  const status = (object.status ?? {}) as DeploymentStatus;
  if ((status.observedGeneration ?? 0) < (object.metadata.generation as number)) return "the change was not seen yet";
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0 } = status;
  const target = Math.max(wanted, minimum);
  if (updated < target || available < target) return `${Math.min(updated, available)} of ${target} replicas are ready`;
  return replicas > updated ? `${replicas - updated} old replicas are still there` : undefined;
}

interface DaemonSetStatus {
  readonly observedGeneration?: number;
  readonly desiredNumberScheduled?: number;
  readonly updatedNumberScheduled?: number;
  readonly numberAvailable?: number;
}

/** Every node has the agent of the new template, ready. */
export function nodesPending(object: KubernetesObject): string | undefined {
  const status = (object.status ?? {}) as DaemonSetStatus;
  if ((status.observedGeneration ?? 0) < (object.metadata.generation as number)) return "the change was not seen yet";
  const { desiredNumberScheduled: wanted = 0, updatedNumberScheduled: updated = 0, numberAvailable = 0 } = status;
  const ready = Math.min(updated, numberAvailable);
  return ready < wanted ? `${ready} of ${wanted} nodes are ready` : undefined;
}

/** A registration works once the API server knows whose certificates to trust. */
export function trustPending(object: KubernetesObject): string | undefined {
  const webhooks = (object.webhooks ?? []) as { clientConfig: { caBundle?: string } }[];
  const without = webhooks.filter(({ clientConfig }) => (clientConfig.caBundle ?? "") === "").length;
  return without === 0 ? undefined : `${without} of ${webhooks.length} entries have no caBundle yet`;
}

export interface WaitOptions {
  readonly report: Report;
  readonly timeoutMs: number;
}

/**
 * Waits until `pending` has nothing more to say of the object, and reports each change.
 * @throws OutriggerError CLUSTER_FAILED with what was missing in the end
 */
export async function waitUntilReady(
  api: ClusterApi,
  object: KubernetesObject,
  pending: Pending,
  { report, timeoutMs }: WaitOptions,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let told: string | undefined;
  for (;;) {
    const live = await readObject(api, object);
    const detail = live === undefined ? "it is not there" : pending(live);
    if (detail === undefined) return report({ verb: "ready", object });
    if (detail !== told) report({ verb: "waiting", object, detail });
    told = detail;
    if (Date.now() > deadline) {
      const message = `was not ready after ${timeoutMs / 1000} s: ${detail}`;
      const remedy = `look at its events and Pods, then run the command again: it goes on where it stopped`;
      throw new OutriggerError("CLUSTER_FAILED", [{ field: describeObject(object), message, remedy }]);
    }
    await delay(pollMs);
  }
}

/** Waits until a deleted object is gone; finalizers and grace periods take their time. */
export async function waitUntilGone(
  api: ClusterApi,
  object: KubernetesObject,
  { timeoutMs }: WaitOptions,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while ((await readObject(api, object)) !== undefined) {
    if (Date.now() > deadline) {
      const message = `was still there ${timeoutMs / 1000} s after its deletion`;
      const remedy = "look at its finalizers";
      throw new OutriggerError("CLUSTER_FAILED", [{ field: describeObject(object), message, remedy }]);
    }
    await delay(pollMs);
  }
}
