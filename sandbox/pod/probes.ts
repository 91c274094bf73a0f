import { attempt } from "../probe/attempt.ts";
import { watchProbe } from "../probe/watch.ts";
import type { ProbeSpec } from "./container-schema.ts";
import { type ContainerCare, end, targetOf } from "./hooks.ts";
import type { StartedContainer } from "./run-container.ts";

interface Watched {
  readonly care: ContainerCare;
  readonly container: StartedContainer;
  readonly signal: AbortSignal;
}

/** Asks until the signal; `onResult` is told when the probe changes its mind. */
function watch(
  { care, container, signal }: Watched,
  probe: ProbeSpec,
  onResult: (result: "success" | "failure") => void,
): void {
  const once = (timeoutMs: number) => attempt(probe, targetOf(care, container), timeoutMs);
  void watchProbe({ spec: probe, attempt: once, onResult, signal });
}

/** A container whose liveness or startup probe fails is ended; its task starts it again. */
function endUnhealthy({ care, container }: Watched, probe: ProbeSpec): void {
  const { terminationGracePeriodSeconds } = care.context.pod.spec;
  void end(care, container, (probe.terminationGracePeriodSeconds ?? terminationGracePeriodSeconds) * 1000);
}

function watchLife(watched: Watched): void {
  const { spec, update } = watched.care;
  const { livenessProbe, readinessProbe } = spec;
  update({ started: true, ready: readinessProbe === undefined });
  if (readinessProbe !== undefined) watch(watched, readinessProbe, (result) => update({ ready: result === "success" }));
  if (livenessProbe === undefined) return;
  watch(watched, livenessProbe, (result) => {
    if (result === "failure") endUnhealthy(watched, livenessProbe);
  });
}

/** Watches a container's probes until the signal: the startup probe alone, and the others once that has succeeded. */
export function watchProbes(care: ContainerCare, container: StartedContainer, signal: AbortSignal): void {
  const watched = { care, container, signal };
  const { startupProbe } = care.spec;
  if (startupProbe === undefined) {
    watchLife(watched);
    return;
  }
  const done = new AbortController();
  watch({ ...watched, signal: AbortSignal.any([signal, done.signal]) }, startupProbe, (result) => {
    done.abort();
    if (result === "success") watchLife(watched);
    else endUnhealthy(watched, startupProbe);
  });
}
