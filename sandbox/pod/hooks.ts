import { execa } from "execa";
import { attempt, type ProbeTarget } from "../probe/attempt.ts";
import { failure, type Outcome, success } from "../probe/outcome.ts";
import type { ContainerSpec } from "./container-schema.ts";
import type { PodContext } from "./context.ts";
import type { StartedContainer } from "./run-container.ts";
import type { ContainerStatus } from "./status.ts";

/** Whom hooks and probes are for. */
export interface ContainerCare {
  readonly spec: ContainerSpec;
  readonly context: PodContext;
  readonly update: (change: Partial<ContainerStatus>) => void;
}

const postStartMs = 60_000;

async function execIn(container: StartedContainer, command: readonly string[], timeoutMs: number): Promise<Outcome> {
  const [program = "", ...args] = container.enter(command);
  const result = await execa(program, args, { timeout: timeoutMs, reject: false, all: true, stdin: "ignore" });
  if (result.exitCode === 0) return success;
  if (result.timedOut) return failure(`command timed out after ${timeoutMs} ms`);
  return failure(`command ended with exit code ${result.exitCode ?? 1}: ${result.all.slice(0, 500)}`);
}

/** The container as a probe or a hook reaches it. */
export function targetOf({ spec, context }: ContainerCare, container: StartedContainer): ProbeTarget {
  return {
    container: spec,
    podIp: context.facts.podIps[0] ?? "127.0.0.1",
    exec: (command, timeoutMs) => execIn(container, command, timeoutMs),
  };
}

/** Runs postStart, if there is one. */
export async function postStart(care: ContainerCare, container: StartedContainer): Promise<Outcome> {
  const handler = care.spec.lifecycle.postStart;
  return handler === undefined ? success : await attempt(handler, targetOf(care, container), postStartMs);
}

/** Runs preStop, asks the container to end, and ends it when it does not in time; at once when asking cannot help. */
export async function end(care: ContainerCare, container: StartedContainer, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  const { preStop } = care.spec.lifecycle;
  if (preStop !== undefined) await attempt(preStop, targetOf(care, container), graceMs);
  const { kill, heedsTermination, exited } = container.running;
  const patienceMs = heedsTermination() ? Math.max(0, deadline - Date.now()) : 0;
  kill("SIGTERM");
  const timer = setTimeout(() => kill("SIGKILL"), patienceMs);
  await exited;
  clearTimeout(timer);
}
