import type { Workload } from "../manifest/manifest.ts";
import { expectedPods } from "./controllers.ts";
import { type LivePod, reportOf } from "./pods.ts";

/** `working`: a Job whose Pods run; it may do so for as long as it likes. */
export type Settlement = "settled" | "working" | "hopeless" | "underway";

function settlementOf(workload: Workload, pods: readonly LivePod[]): Settlement {
  const own = pods
    .filter(({ wanted }) => wanted.workload === `${workload.kind}/${workload.name}`)
    .filter(({ wanted }) => wanted.namespace === workload.namespace)
    .map(reportOf)
    .filter(({ isReplaced }) => !isReplaced);
  if (own.some(({ isHopeless }) => isHopeless)) return "hopeless";
  if (own.length < expectedPods(workload)) return "underway";
  if (own.every(({ isSettled }) => isSettled)) return "settled";
  return own.every(({ isSettled, isReady }) => isSettled || isReady) ? "working" : "underway";
}

/** Whether all is well, or at an end otherwise; undefined as long as that is open. */
export function verdict(settlements: readonly Settlement[]): boolean | undefined {
  if (settlements.every((settlement) => settlement === "settled")) return true;
  const isOver = settlements.every((settlement) => settlement === "settled" || settlement === "hopeless");
  return isOver ? false : undefined;
}

/** Whether all is well when the time is over: a Job may still be at work. */
export function lateVerdict(settlements: readonly Settlement[]): boolean {
  return settlements.every((settlement) => settlement === "settled" || settlement === "working");
}

export function settlementsOf(workloads: readonly Workload[], pods: readonly LivePod[]): Settlement[] {
  return workloads.map((workload) => settlementOf(workload, pods));
}
