import { setTimeout as delay } from "node:timers/promises";
import { annotations } from "../../mesh/names.ts";
import type { Cluster } from "./cluster.ts";
import type { Pod } from "./pod.ts";
import { appPod } from "./workload.ts";

/** What has become of the Pods that were made one after the other. */
export interface StreamResult {
  readonly created: number;
  /** The API server's refusals. */
  readonly failed: readonly string[];
  /** Names of Pods that got no sidecar. */
  readonly missed: readonly string[];
}

export interface PodStream {
  /** How many Pods were made so far. */
  created(): number;
  stop(): Promise<StreamResult>;
}

const pauseMs = 25;

/** No scheduler takes these Pods: they are made, admitted, and never run. */
const unscheduled = { spec: { schedulerName: "nobody" } };

/**
 * Makes Pods in a labelled namespace without a pause, until it is stopped: what an outage of a moment would show in.
 * Connection errors count as failed unless `mayLose` says that the API server itself is being restarted.
 */
export function streamPods(cluster: Cluster, namespace: string, mayLose = (_error: Error) => false): PodStream {
  const [failed, missed]: [string[], string[]] = [[], []];
  let count = 0;
  let running = true;
  const makeOne = async (name: string) => {
    try {
      const { object } = await cluster.create<Pod>(appPod(namespace, name, unscheduled));
      count += 1;
      if (object.metadata.annotations?.[annotations.status] === undefined) missed.push(name);
    } catch (error) {
      if (!mayLose(error as Error)) failed.push(`${name}: ${(error as Error).message}`);
    }
  };
  const loop = (async () => {
    for (let index = 0; running; index += 1) {
      await makeOne(`pod-${index}`);
      await delay(pauseMs);
    }
  })();
  return {
    created: () => count,
    async stop() {
      running = false;
      await loop;
      return { created: count, failed, missed };
    },
  };
}
