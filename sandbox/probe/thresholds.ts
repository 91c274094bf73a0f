import type { ProbeSpec } from "../pod/container-schema.ts";

/** What a probe says of its container, and what it has seen since it last changed its mind. */
export interface ProbeState {
  readonly result: "unknown" | "success" | "failure";
  readonly successes: number;
  readonly failures: number;
}

export const unknown: ProbeState = { result: "unknown", successes: 0, failures: 0 };

type Thresholds = Pick<ProbeSpec, "successThreshold" | "failureThreshold">;

/** The state after one more attempt: a result changes when a threshold's number of attempts in a row say so. */
export function nextState(state: ProbeState, ok: boolean, thresholds: Thresholds): ProbeState {
  const successes = ok ? state.successes + 1 : 0;
  const failures = ok ? 0 : state.failures + 1;
  if (successes >= thresholds.successThreshold) return { result: "success", successes, failures };
  if (failures >= thresholds.failureThreshold) return { result: "failure", successes, failures };
  return { result: state.result, successes, failures };
}

/** Until a container is there at all it is asked more often, so that it counts soon after it can. */
const eagerMs = 200;

/** How long to wait before the next attempt. */
export function pauseMs({ result }: ProbeState, { periodSeconds }: Pick<ProbeSpec, "periodSeconds">): number {
  const periodMs = Math.max(1, periodSeconds) * 1000;
  return result === "success" ? periodMs : Math.min(periodMs, eagerMs);
}

/** Whether a failed attempt counts: eager attempts in between two periods do not. */
export function countsAsFailure(
  sinceLastCountedMs: number,
  { periodSeconds }: Pick<ProbeSpec, "periodSeconds">,
): boolean {
  return sinceLastCountedMs >= Math.max(1, periodSeconds) * 1000 - eagerMs / 2;
}
