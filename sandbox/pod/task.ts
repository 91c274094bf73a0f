import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { ContainerConfigError } from "../container/environment.ts";
import type { ContainerExit } from "../container/launch.ts";
import type { ContainerSpec } from "./container-schema.ts";
import type { PodContext } from "./context.ts";
import { createHooks } from "./hooks.ts";
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

const notBegun: ContainerState = { state: "waiting", reason: "PodInitializing" };

function terminated(exit: ContainerExit, message: string): Extract<ContainerState, { state: "terminated" }> {
  const reason = exit.launchError !== undefined ? "StartError" : exit.exitCode === 0 ? "Completed" : "Error";
  return { state: "terminated", reason, exitCode: exit.exitCode, message };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Makes the task; nothing runs before `run`. `changed` is told of every change of the status. */
export function createContainerTask(
  spec: ContainerSpec,
  role: ContainerStatus["role"],
  context: PodContext,
  changed: () => void,
): ContainerTask {
  const policy = context.pod.spec.restartPolicy;
  const stopping = new AbortController();
  const startedGate = Promise.withResolvers<boolean>();
  const begunGate = Promise.withResolvers<void>();
  let current: StartedContainer | undefined;
  let finished: Promise<unknown> = Promise.resolve();
  const status: Mutable<ContainerStatus> = {
    name: spec.name,
    image: spec.image,
    role,
    state: notBegun,
    started: false,
    ready: false,
    restarts: 0,
    standIn: false,
  };
  const update = (change: Partial<ContainerStatus>) => {
    Object.assign(status, change);
    if (change.started === true) startedGate.resolve(true);
    changed();
  };
  const hooks = createHooks(spec, context, update, begunGate.resolve);

  async function runOnce(): Promise<ContainerExit> {
    update({ state: { state: "waiting", reason: "ContainerCreating" } });
    current = await startContainer(spec, context, status.restarts);
    update({ state: { state: "running", sinceMs: Date.now() }, standIn: current.standIn });
    const endHooks = hooks.begin(current);
    const exit = await current.running.exited;
    endHooks();
    const state = terminated(exit, await current.terminationMessage(exit));
    current = undefined;
    update({ state, started: false, ready: false });
    return exit;
  }

  async function runRepeatedly(): Promise<number> {
    let crashes = 0;
    let exitCode = 1;
    while (!stopping.signal.aborted) {
      const begun = Date.now();
      const exit = await runOnce();
      crashes = crashesInRow(crashes, Date.now() - begun);
      exitCode = exit.exitCode;
      const decision = afterExit(role, policy, exitCode, crashes);
      if (!decision.again || stopping.signal.aborted) break;
      const last = status.state as Extract<ContainerState, { state: "terminated" }>;
      if (decision.delayMs > 0) update({ state: { state: "waiting", reason: "CrashLoopBackOff" }, last });
      await sleep(decision.delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (!stopping.signal.aborted) update({ restarts: status.restarts + 1, last });
    }
    return exitCode;
  }

  /** A container that cannot be made stays so: what it refers to does not come by itself here. */
  async function stuck(error: Error): Promise<number> {
    const reason = error instanceof ContainerConfigError ? error.reason : "CreateContainerError";
    update({ state: { state: "waiting", reason, message: error.message } });
    await aborted(stopping.signal);
    return 1;
  }

  function run(): Promise<number> {
    const result = runRepeatedly()
      .catch(stuck)
      .finally(() => {
        begunGate.resolve();
        startedGate.resolve(false);
      });
    finished = result;
    return result;
  }

  async function stop(graceMs: number): Promise<void> {
    stopping.abort();
    if (current !== undefined) await hooks.end(current, graceMs);
    await finished;
  }

  const gates = { begun: begunGate.promise, started: startedGate.promise };
  return { spec, status: () => ({ ...status }), run, ...gates, stop, current: () => current };
}
