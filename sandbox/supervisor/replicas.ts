import type { Workload } from "../manifest/manifest.ts";
import { podsOf, replicaPod, type WantedPod } from "../workload/pods.ts";
import { type LivePod, statusOf } from "./pods.ts";

export interface ReplicasOptions {
  readonly workloads: readonly Workload[];
  readonly pods: () => readonly LivePod[];
  readonly create: (wanted: WantedPod) => void;
  /** Ends a Pod. Resolves when nothing is left of it. */
  readonly end: (pod: LivePod, graceMs: number) => Promise<void>;
}

/** Changes which Pods there are, after all have been created. */
export interface Replicas {
  /**
   * Makes a Deployment or ReplicaSet have as many Pods; the newest go first.
   * @param workload as a person types it: `web`, `deploy/web`
   * @throws Error when there is no such workload, several, or one that has no replicas
   */
  readonly scale: (namespace: string | undefined, workload: string, replicas: number, graceMs: number) => void;
  /** Deletes a Pod, in whose place its controller makes another one. Resolves when it is gone. */
  readonly remove: (pod: LivePod, graceMs: number) => Promise<void>;
}

type Replicated = Extract<Workload, { kind: "Deployment" | "ReplicaSet" }>;

interface Count {
  wanted: number;
  /** How many were ever created: each has a name of its own. */
  created: number;
}

function isReplicated(workload: Workload | undefined): workload is Replicated {
  return workload?.kind === "Deployment" || workload?.kind === "ReplicaSet";
}

function isOf({ kind, name, namespace }: Workload, { wanted }: LivePod): boolean {
  return wanted.workload === `${kind}/${name}` && wanted.namespace === namespace;
}

function isTyped({ kind, name }: Workload, typed: string): boolean {
  const [typedName = "", typedKind = ""] = typed.split("/").reverse();
  return typedName === name && kind.toLowerCase().startsWith(typedKind.toLowerCase().replace(/s$/, ""));
}

function findReplicated(workloads: readonly Workload[], namespace: string | undefined, typed: string): Replicated {
  const found = workloads.filter((one) => isTyped(one, typed) && one.namespace === (namespace ?? one.namespace));
  const [first] = found;
  if (first === undefined) throw new Error(`there is no workload ${typed}`);
  if (found.length > 1) throw new Error(`there are several workloads ${typed}: say the kind and the namespace`);
  if (!isReplicated(first))
    throw new Error(`${first.kind} ${first.name} cannot be scaled, Deployments and ReplicaSets can`);
  return first;
}

export function createReplicas({ workloads, pods, create, end }: ReplicasOptions): Replicas {
  const counts = new Map<Workload, Count>();

  function countOf(workload: Replicated): Count {
    const count = counts.get(workload) ?? { wanted: workload.replicas, created: workload.replicas };
    counts.set(workload, count);
    return count;
  }

  /** The extra Pods of a workload, the newest first; creates those that are missing. */
  function reconcile(workload: Replicated): LivePod[] {
    const count = countOf(workload);
    const own = pods().filter((pod) => isOf(workload, pod) && !statusOf(pod).terminating);
    for (let missing = count.wanted - own.length; missing > 0; missing -= 1) {
      create(replicaPod(workload, count.created));
      count.created += 1;
    }
    return own.slice(count.wanted).reverse();
  }

  async function remove(pod: LivePod, graceMs: number): Promise<void> {
    const workload = workloads.find((one) => isOf(one, pod));
    const ended = end(pod, graceMs);
    if (isReplicated(workload)) reconcile(workload);
    await ended;
    if (workload?.kind !== "StatefulSet" && workload?.kind !== "DaemonSet") return;
    const again = podsOf(workload).find(({ name }) => name === pod.wanted.name);
    if (again !== undefined) create(again);
  }

  return {
    remove,
    scale(namespace, typed, replicas, graceMs) {
      const workload = findReplicated(workloads, namespace, typed);
      countOf(workload).wanted = replicas;
      for (const pod of reconcile(workload)) void end(pod, graceMs);
    },
  };
}
