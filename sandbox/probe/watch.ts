import { setTimeout as sleep } from "node:timers/promises";
import type { ProbeSpec } from "../pod/container-schema.ts";
import type { Outcome } from "./outcome.ts";
import { countsAsFailure, nextState, type ProbeState, pauseMs, unknown } from "./thresholds.ts";

export interface Watch {
  readonly spec: ProbeSpec;
  readonly attempt: (timeoutMs: number) => Promise<Outcome>;
  /** Told of each change of the result, with the message of the attempt that made it. */
  readonly onResult: (result: "success" | "failure", message: string) => void;
  readonly signal: AbortSignal;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

/** Asks again and again until the signal. */
export async function watchProbe({ spec, attempt, onResult, signal }: Watch): Promise<void> {
  const timeoutMs = Math.max(1, spec.timeoutSeconds) * 1000;
  let state: ProbeState = unknown;
  let lastCounted = Date.now();
  await pause(spec.initialDelaySeconds * 1000, signal);
  while (!signal.aborted) {
    const outcome = await attempt(timeoutMs);
    if (signal.aborted) return;
    const now = Date.now();
    if (outcome.ok || state.result === "success" || countsAsFailure(now - lastCounted, spec)) {
      const before = state.result;
      state = nextState(state, outcome.ok, spec);
      lastCounted = now;
      if (state.result !== before && state.result !== "unknown")
        onResult(state.result, outcome.ok ? "" : outcome.message);
    }
    await pause(pauseMs(state, spec), signal);
  }
}
