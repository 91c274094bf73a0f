import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { ContainerConfigError } from "../container/environment.ts";
import type { ContainerExit } from "../container/launch.ts";
import type { ContainerSpec } from "./container-schema.ts";
import type { PodContext } from "./context.ts";
import { type ContainerCare, end, postStart } from "./hooks.ts";
import { notBegun, type PlannedContainer } from "./planned-container.ts";
import { watchProbes } from "./probes.ts";
import { afterExit, crashesInRow } from "./restart.ts";
import { type StartedContainer, startContainer } from "./run-container.ts";
import type { ContainerState, ContainerStatus } from "./status.ts";

/** A container through all its restarts. */
export interface ContainerTask {
  readonly spec: ContainerSpec;
  readonly status: () => ContainerStatus;
  /** Runs it until it is not to be started again, or stopped. Resolves with the last exit code. */
  readonly run: () => Promise<number>;
  /** Resolves once it runs and its postStart is through, or it never will. */
  readonly begun: Promise<void>;
  /** Resolves true once it counts as started, false when it never will. */
  readonly started: Promise<boolean>;
  readonly stop: (graceMs: number) => Promise<void>;
  /** The container as it runs now. */
  readonly current: () => StartedContainer | undefined;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface TaskState {
  readonly care: ContainerCare;
  readonly status: Mutable<ContainerStatus>;
  readonly begun: PromiseWithResolvers<void>;
  readonly started: PromiseWithResolvers<boolean>;
  readonly stopping: AbortController;
  /** How long it gets to end once it is to stop. */
  graceMs: number;
  current: StartedContainer | undefined;
  finished: Promise<unknown>;
}

function terminated(exit: ContainerExit, message: string): Extract<ContainerState, { state: "terminated" }> {
  const reason = exit.launchError !== undefined ? "StartError" : exit.exitCode === 0 ? "Completed" : "Error";
  return { state: "terminated", reason, exitCode: exit.exitCode, message };
}

/** Hooks and probes of a container whose program runs; the function returned ends them. */
function attend({ care, begun }: TaskState, container: StartedContainer): () => void {
  if (container.running.launchError !== undefined) return () => {};
  care.update({ state: { state: "running", sinceMs: Date.now() }, standIn: container.standIn });
  const ended = new AbortController();
  void postStart(care, container).then((outcome) => {
    if (ended.signal.aborted) return;
    begun.resolve();
    if (outcome.ok) watchProbes(care, container, ended.signal);
    else container.running.kill("SIGKILL");
  });
  return () => ended.abort();
}

async function runOnce(task: TaskState): Promise<ContainerExit> {
  const { spec, context, update } = task.care;
  update({ state: { state: "waiting", reason: "ContainerCreating" } });
  const container = await startContainer(spec, context, task.status.restarts);
  task.current = container;
  const leave = attend(task, container);
  // It was to stop while it was being started.
  if (task.stopping.signal.aborted) void end(task.care, container, task.graceMs);
  const exit = await container.running.exited;
  leave();
  const state = terminated(exit, await container.terminationMessage(exit));
  task.current = undefined;
  update({ state, started: false, ready: false });
  return exit;
}

async function runRepeatedly(task: TaskState): Promise<number> {
  const { care, status, stopping } = task;
  let crashes = 0;
  let exitCode = 1;
  while (!stopping.signal.aborted) {
    const begunMs = Date.now();
    ({ exitCode } = await runOnce(task));
    crashes = crashesInRow(crashes, Date.now() - begunMs);
    const decision = afterExit(status.role, care.context.pod.spec.restartPolicy, exitCode, crashes);
    if (!decision.again || stopping.signal.aborted) break;
    const last = status.state as Extract<ContainerState, { state: "terminated" }>;
    if (decision.delayMs > 0) care.update({ state: { state: "waiting", reason: "CrashLoopBackOff" }, last });
    await sleep(decision.delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    if (!stopping.signal.aborted) care.update({ restarts: status.restarts + 1, last });
  }
  return exitCode;
}

/** A container that cannot be made stays so: what it refers to does not come by itself here. */
async function stayStuck({ care, stopping }: TaskState, error: Error): Promise<number> {
  const reason = error instanceof ContainerConfigError ? error.reason : "CreateContainerError";
  care.update({ state: { state: "waiting", reason, message: error.message } });
  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
  return 1;
}

function run(task: TaskState): Promise<number> {
  const result = runRepeatedly(task)
    .catch((error: Error) => stayStuck(task, error))
    .finally(() => {
      task.begun.resolve();
      task.started.resolve(false);
    });
  task.finished = result;
  return result;
}

async function stop(task: TaskState, graceMs: number): Promise<void> {
  task.graceMs = graceMs;
  task.stopping.abort();
  if (task.current !== undefined) await end(task.care, task.current, graceMs);
  await task.finished;
}

function newTask(planned: PlannedContainer, context: PodContext, changed: () => void): TaskState {
  const status: Mutable<ContainerStatus> = notBegun(planned);
  const started = Promise.withResolvers<boolean>();
  const update = (change: Partial<ContainerStatus>) => {
    Object.assign(status, change);
    if (change.started === true) started.resolve(true);
    changed();
  };
  return {
    care: { spec: planned.spec, context, update },
    status,
    begun: Promise.withResolvers<void>(),
    started,
    stopping: new AbortController(),
    graceMs: 0,
    current: undefined,
    finished: Promise.resolve(),
  };
}

/** Makes the task; nothing runs before `run`. `changed` is told of every change of the status. */
export function createContainerTask(
  planned: PlannedContainer,
  context: PodContext,
  changed: () => void,
): ContainerTask {
  const task = newTask(planned, context, changed);
  return {
    spec: planned.spec,
    status: () => ({ ...task.status }),
    run: () => run(task),
    begun: task.begun.promise,
    started: task.started.promise,
    stop: (graceMs) => stop(task, graceMs),
    current: () => task.current,
  };
}
