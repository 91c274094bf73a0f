import { rm } from "node:fs/promises";
import { ContainerConfigError } from "../container/environment.ts";
import type { ContainerSpec } from "./container-schema.ts";
import type { NodeContext, PodContext } from "./context.ts";
import type { Holder } from "./holder.ts";
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

interface Planned {
  readonly spec: ContainerSpec;
  readonly role: ContainerStatus["role"];
}

function planned({ facts }: PodPlace): Planned[] {
  const { initContainers, containers } = facts.pod.spec;
  return [
    ...initContainers.map((spec): Planned => ({ spec, role: spec.restartPolicy === "Always" ? "sidecar" : "init" })),
    ...containers.map((spec): Planned => ({ spec, role: "main" })),
  ];
}

function waiting({ spec, role }: Planned, reason: string): ContainerStatus {
  const state = { state: "waiting", reason } as const;
  const { name, image } = spec;
  return { name, image, role, state, started: false, ready: false, restarts: 0, standIn: false };
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

export function createPodWorker(node: NodeContext, place: PodPlace, changed: () => void): PodWorker {
  const containers = planned(place);
  const graceMs = place.facts.pod.spec.terminationGracePeriodSeconds * 1000;
  let tasks: ContainerTask[] = [];
  let phase: PodPhase = "Pending";
  let trouble: { reason: string; message: string } | undefined;
  let terminating = false;
  let finished: Promise<PodPhase> = Promise.resolve(phase);
  let held: { context: PodContext; holder: Holder } | undefined;

  const byRole = (...roles: ContainerStatus["role"][]) => tasks.filter((task) => roles.includes(task.status().role));

  function setPhase(next: PodPhase): void {
    phase = next;
    changed();
  }

  async function runTasks(context: PodContext): Promise<PodPhase> {
    tasks = containers.map(({ spec, role }) => createContainerTask(spec, role, context, changed));
    if (!(await runInits(byRole("init", "sidecar"))) || terminating) return "Failed";
    setPhase("Running");
    return (await runMains(byRole("main"))) ? "Succeeded" : "Failed";
  }

  /** Sidecars end last, in the reverse of the order they were started in. */
  async function stopSidecars(ms: number): Promise<void> {
    for (const task of byRole("sidecar").reverse()) await task.stop(ms);
  }

  async function release(): Promise<void> {
    const { context, holder } = held ?? {};
    held = undefined;
    await holder?.release();
    if (context !== undefined) await rm(context.folder, { recursive: true, force: true });
  }

  async function runToEnd(): Promise<PodPhase> {
    try {
      held = await setUpPod(node, place);
      const end = terminating ? "Failed" : await runTasks(held.context);
      await stopSidecars(graceMs);
      await release();
      setPhase(end);
    } catch (error) {
      trouble =
        error instanceof ContainerConfigError
          ? { reason: error.reason, message: error.message }
          : { reason: "SandboxError", message: (error as Error).message };
      changed();
    }
    return phase;
  }

  function run(): Promise<PodPhase> {
    finished = runToEnd();
    return finished;
  }

  async function stop(ms: number): Promise<void> {
    terminating = true;
    changed();
    const deadline = Date.now() + ms;
    await Promise.all(byRole("init", "main").map((task) => task.stop(ms)));
    await stopSidecars(Math.max(0, deadline - Date.now()));
    await finished;
  }

  const status = (): PodStatus => ({
    phase,
    ...trouble,
    terminating,
    containers:
      tasks.length > 0 ? tasks.map((task) => task.status()) : containers.map((one) => waiting(one, "PodInitializing")),
  });

  return { status, run, stop, task: (name) => tasks.find(({ spec }) => spec.name === name) };
}
