import { rm } from "node:fs/promises";
import { ContainerConfigError } from "../container/environment.ts";
import type { NodeContext, PodContext } from "./context.ts";
import type { Holder } from "./holder.ts";
import { notBegun, type PlannedContainer, plannedContainers } from "./planned-container.ts";
import { type PodPlace, setUpPod } from "./setup.ts";
import type { ContainerStatus, PodPhase, PodStatus } from "./status.ts";
import { type ContainerTask, createContainerTask } from "./task.ts";

/** A Pod from its first init container to its end, as the kubelet runs it. */
export interface PodWorker {
  readonly status: () => PodStatus;
  /** Runs the Pod until all its containers have ended for good. */
  readonly run: () => Promise<PodPhase>;
  readonly stop: (graceMs: number) => Promise<void>;
  readonly task: (container: string) => ContainerTask | undefined;
}

interface WorkerState {
  readonly node: NodeContext;
  readonly place: PodPlace;
  readonly changed: () => void;
  readonly containers: readonly PlannedContainer[];
  tasks: readonly ContainerTask[];
  phase: PodPhase;
  trouble: { readonly reason: string; readonly message: string } | undefined;
  isTerminating: boolean;
  held: { readonly context: PodContext; readonly holder: Holder } | undefined;
  finished: Promise<PodPhase>;
}

/** Init containers one after the other; a sidecar only has to be started. False when one of them failed. */
async function runInits(tasks: readonly ContainerTask[]): Promise<boolean> {
  for (const task of tasks) {
    if (task.status().role === "init") {
      if ((await task.run()) !== 0) return false;
    } else {
      void task.run();
      if (!(await task.started)) return false;
    }
  }
  return true;
}

/** Containers are started in order, each after the one before has run its postStart. */
async function runMains(tasks: readonly ContainerTask[]): Promise<boolean> {
  const exitCodes: Promise<number>[] = [];
  for (const task of tasks) {
    exitCodes.push(task.run());
    await task.begun;
  }
  return (await Promise.all(exitCodes)).every((exitCode) => exitCode === 0);
}

function byRole({ tasks }: WorkerState, ...roles: ContainerStatus["role"][]): ContainerTask[] {
  return tasks.filter((task) => roles.includes(task.status().role));
}

function setPhase(worker: WorkerState, phase: PodPhase): void {
  worker.phase = phase;
  worker.changed();
}

async function runTasks(worker: WorkerState, context: PodContext): Promise<PodPhase> {
  worker.tasks = worker.containers.map((planned) => createContainerTask(planned, context, worker.changed));
  if (!(await runInits(byRole(worker, "init", "sidecar"))) || worker.isTerminating) return "Failed";
  setPhase(worker, "Running");
  return (await runMains(byRole(worker, "main"))) ? "Succeeded" : "Failed";
}

/** Sidecars end last, in the reverse of the order they were started in. */
async function stopSidecars(worker: WorkerState, graceMs: number): Promise<void> {
  for (const task of byRole(worker, "sidecar").reverse()) await task.stop(graceMs);
}

async function release(worker: WorkerState): Promise<void> {
  const { context, holder } = worker.held ?? {};
  worker.held = undefined;
  await holder?.release();
  if (context !== undefined) await rm(context.folder, { recursive: true, force: true });
}

async function runToEnd(worker: WorkerState): Promise<PodPhase> {
  const { node, place } = worker;
  try {
    worker.held = await setUpPod(node, place);
    const end = worker.isTerminating ? "Failed" : await runTasks(worker, worker.held.context);
    await stopSidecars(worker, place.facts.pod.spec.terminationGracePeriodSeconds * 1000);
    await release(worker);
    setPhase(worker, end);
  } catch (error) {
    const reason = error instanceof ContainerConfigError ? error.reason : "SandboxError";
    worker.trouble = { reason, message: (error as Error).message };
    worker.changed();
  }
  return worker.phase;
}

async function stop(worker: WorkerState, graceMs: number): Promise<void> {
  worker.isTerminating = true;
  worker.changed();
  // A Pod that is killed has no order of ending.
  if (graceMs === 0) await Promise.all(worker.tasks.map((task) => task.stop(0)));
  const deadline = Date.now() + graceMs;
  await Promise.all(byRole(worker, "init", "main").map((task) => task.stop(graceMs)));
  await stopSidecars(worker, Math.max(0, deadline - Date.now()));
  await worker.finished;
}

function statusOf({ phase, trouble, isTerminating, tasks, containers }: WorkerState): PodStatus {
  const statuses = tasks.length > 0 ? tasks.map((task) => task.status()) : containers.map(notBegun);
  return { phase, ...trouble, terminating: isTerminating, containers: statuses };
}

export function createPodWorker(node: NodeContext, place: PodPlace, changed: () => void): PodWorker {
  const worker: WorkerState = {
    node,
    place,
    changed,
    containers: plannedContainers(place.facts.pod.spec),
    tasks: [],
    phase: "Pending",
    trouble: undefined,
    isTerminating: false,
    held: undefined,
    finished: Promise.resolve("Pending"),
  };
  return {
    status: () => statusOf(worker),
    run: () => {
      worker.finished = runToEnd(worker);
      return worker.finished;
    },
    stop: (graceMs) => stop(worker, graceMs),
    task: (name) => worker.tasks.find(({ spec }) => spec.name === name),
  };
}
