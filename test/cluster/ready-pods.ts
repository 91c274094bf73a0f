import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import type { Cluster } from "./cluster.ts";
import { describePods, failedContainers, isReady, type Pod } from "./pod.ts";
import { until, type WaitOptions } from "./waiting.ts";

/** Which Pods are waited for. */
export interface ReadyPodsOptions extends WaitOptions {
  readonly namespace: string;
  readonly labels: string;
  /** Exactly so many, or as many as there are from the first on. */
  readonly count: number | "any";
}

/** A Pod that starts on a busy node waits for images, volumes and other Pods; what never starts is found by its error. */
const usualTimeoutMs = 180_000;

/** The last words of a Pod's containers that do not run. */
async function failedLogs(cluster: Cluster, pod: Pod): Promise<string[]> {
  const failed = failedContainers(pod).map(async (name) => {
    const log = await cluster.logs(pod, name).catch((error: Error) => error.message);
    return `${pod.metadata.name}/${name}: ${log.slice(-1000)}`;
  });
  return Promise.all(failed);
}

interface ClusterEvent extends KubernetesObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly name?: string };
}

/** What the cluster has warned of in a namespace. */
async function warnings(cluster: Cluster, namespace: string): Promise<string[]> {
  const events = await cluster.list<ClusterEvent>("v1", "Event", { namespace });
  return events
    .filter(({ type }) => type === "Warning")
    .map(({ involvedObject, reason, message }) => `${involvedObject?.name}: ${reason}: ${message}`);
}

/**
 * Waits until that many Pods that the labels select are ready.
 * @throws after the time that `until` allows, with how far the Pods have come, their last words and the warnings
 */
export async function readyPods(
  cluster: Cluster,
  { namespace, labels, count, ...wait }: ReadyPodsOptions,
): Promise<Pod[]> {
  let seen: readonly Pod[] = [];
  try {
    return await until(
      `${count} ready Pods ${labels} in ${namespace}`,
      async () => {
        seen = await cluster.list<Pod>("v1", "Pod", { namespace, labels });
        const ready = seen.filter(isReady);
        return (count === "any" ? ready.length > 0 : ready.length === count) && ready;
      },
      { timeoutMs: usualTimeoutMs, ...wait },
    );
  } catch (error) {
    const logs = (await Promise.all(seen.map((pod) => failedLogs(cluster, pod)))).flat();
    const said = await warnings(cluster, namespace);
    throw new Error([`${(error as Error).message}; ${describePods(seen)}`, ...logs, ...said].join("\n"));
  }
}
