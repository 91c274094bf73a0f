import { setTimeout as sleep } from "node:timers/promises";
import type { Workload } from "../manifest/manifest.ts";
import { backoffMs } from "../pod/restart.ts";
import { jobPod, podsOf, type WantedPod } from "../workload/pods.ts";
import { type LivePod, markReplaced } from "./pods.ts";

/** What controllers work with. */
export interface ControllerContext {
  readonly create: (wanted: WantedPod) => LivePod;
  /** Resolves once the Pod is ready. */
  readonly ready: (pod: LivePod) => Promise<void>;
  readonly signal: AbortSignal;
}

type Job = Extract<Workload, { kind: "Job" }>;

/** One after the other, each when the one before is ready. */
async function createInOrder(pods: readonly WantedPod[], { create, ready, signal }: ControllerContext): Promise<void> {
  for (const wanted of pods) {
    if (signal.aborted) return;
    await ready(create(wanted));
  }
}

/** One completion of a Job: Pods one after the other until one succeeds. `failed` counts for the whole Job. */
async function completeOnce(job: Job, index: number, context: ControllerContext, failed: () => number): Promise<void> {
  for (let attempt = 0; !context.signal.aborted; attempt += 1) {
    const pod = context.create(jobPod(job, index, attempt));
    if ((await pod.ended) === "Succeeded") return;
    const failures = failed();
    if (failures > job.backoffLimit || context.signal.aborted) return;
    markReplaced(pod);
    await sleep(backoffMs(failures + 1), undefined, { signal: context.signal }).catch(() => undefined);
  }
}

async function runJob(job: Job, context: ControllerContext): Promise<void> {
  let failures = 0;
  let next = 0;
  const failed = () => {
    failures += 1;
    return failures;
  };
  const oneAfterTheOther = async () => {
    while (next < job.completions && failures <= job.backoffLimit && !context.signal.aborted) {
      const index = next;
      next += 1;
      await completeOnce(job, index, context, failed);
    }
  };
  await Promise.all(Array.from({ length: Math.min(job.parallelism, job.completions) }, oneAfterTheOther));
}

/** How many Pods of a workload one waits for at least. */
export function expectedPods(workload: Workload): number {
  switch (workload.kind) {
    case "Job":
      return Math.min(workload.parallelism, workload.completions);
    case "Pod":
    case "DaemonSet":
      return 1;
    default:
      return workload.replicas;
  }
}

/** Creates a workload's Pods, as its controller in a cluster does. */
export async function runController(workload: Workload, context: ControllerContext): Promise<void> {
  if (workload.kind === "Job") {
    await runJob(workload, context);
    return;
  }
  const pods = podsOf(workload);
  if (workload.kind === "StatefulSet" && workload.ordered) await createInOrder(pods, context);
  else for (const wanted of pods) context.create(wanted);
}
