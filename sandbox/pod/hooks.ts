import { execa } from "execa";
import { attempt, type ProbeTarget } from "../probe/attempt.ts";
import { failure, type Outcome, success } from "../probe/outcome.ts";
import { watchProbe } from "../probe/watch.ts";
import type { ContainerSpec, HandlerSpec, ProbeSpec } from "./container-schema.ts";
import type { PodContext } from "./context.ts";
import type { StartedContainer } from "./run-container.ts";
import type { ContainerStatus } from "./status.ts";

/** What goes on around a running container: lifecycle hooks and probes. */
export interface Hooks {
  /** Begins with postStart, then the probes; the function returned ends them. */
  readonly begin: (container: StartedContainer) => () => void;
  /** Runs preStop, asks the container to end, and ends it when it does not in time; at once when asking cannot help. */
  readonly end: (container: StartedContainer, graceMs: number) => Promise<void>;
}

const postStartMs = 60_000;

async function execIn(container: StartedContainer, command: readonly string[], timeoutMs: number): Promise<Outcome> {
  const [program = "", ...args] = container.enter(command);
  const result = await execa(program, args, { timeout: timeoutMs, reject: false, all: true, stdin: "ignore" });
  if (result.exitCode === 0) return success;
  if (result.timedOut) return failure(`command timed out after ${timeoutMs} ms`);
  return failure(`command ended with exit code ${result.exitCode ?? 1}: ${result.all.slice(0, 500)}`);
}

export function createHooks(
  spec: ContainerSpec,
  context: PodContext,
  update: (change: Partial<ContainerStatus>) => void,
  /** Told once postStart is through, which is at once where there is none. */
  onBegun: () => void,
): Hooks {
  const podIp = context.facts.podIps[0] ?? "127.0.0.1";

  const target = (container: StartedContainer): ProbeTarget => ({
    container: spec,
    podIp,
    exec: (command, timeoutMs) => execIn(container, command, timeoutMs),
  });

  const hook = async (handler: HandlerSpec, container: StartedContainer, timeoutMs: number): Promise<Outcome> =>
    await attempt(handler, target(container), timeoutMs);

  async function end(container: StartedContainer, graceMs: number): Promise<void> {
    const deadline = Date.now() + graceMs;
    const { preStop } = spec.lifecycle;
    if (preStop !== undefined) await hook(preStop, container, graceMs);
    const { kill, heedsTermination, exited } = container.running;
    const patienceMs = heedsTermination() ? Math.max(0, deadline - Date.now()) : 0;
    kill("SIGTERM");
    const timer = setTimeout(() => kill("SIGKILL"), patienceMs);
    await exited;
    clearTimeout(timer);
  }

  /** A container whose liveness or startup probe fails is ended; its task starts it again. */
  function endUnhealthy(container: StartedContainer, probe: ProbeSpec): void {
    void end(container, (probe.terminationGracePeriodSeconds ?? context.pod.spec.terminationGracePeriodSeconds) * 1000);
  }

  function watch(
    probe: ProbeSpec,
    container: StartedContainer,
    signal: AbortSignal,
    onResult: (result: "success" | "failure", message: string) => void,
  ): void {
    const once = (timeoutMs: number) => attempt(probe, target(container), timeoutMs);
    void watchProbe({ spec: probe, attempt: once, onResult, signal });
  }

  function watchLife(container: StartedContainer, signal: AbortSignal): void {
    const { livenessProbe, readinessProbe } = spec;
    update({ started: true, ready: readinessProbe === undefined });
    if (readinessProbe !== undefined) {
      watch(readinessProbe, container, signal, (result) => update({ ready: result === "success" }));
    }
    if (livenessProbe !== undefined) {
      watch(livenessProbe, container, signal, (result) => {
        if (result === "failure") endUnhealthy(container, livenessProbe);
      });
    }
  }

  function watchStart(container: StartedContainer, signal: AbortSignal): void {
    const { startupProbe } = spec;
    if (startupProbe === undefined) {
      watchLife(container, signal);
      return;
    }
    const done = new AbortController();
    watch(startupProbe, container, AbortSignal.any([signal, done.signal]), (result) => {
      done.abort();
      if (result === "success") watchLife(container, signal);
      else endUnhealthy(container, startupProbe);
    });
  }

  function begin(container: StartedContainer): () => void {
    const ended = new AbortController();
    const { postStart } = spec.lifecycle;
    const ready = postStart === undefined ? Promise.resolve(success) : hook(postStart, container, postStartMs);
    void ready.then((outcome) => {
      if (ended.signal.aborted) return;
      onBegun();
      if (outcome.ok) watchStart(container, ended.signal);
      else container.running.kill("SIGKILL");
    });
    return () => ended.abort();
  }

  return { begin, end };
}
