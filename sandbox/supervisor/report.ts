import type { PodAdmission } from "../admission/admit.ts";
import { displayStatus, explanations } from "../pod/display.ts";
import { type ContainerStatus, isHopeless, isReady, lasting, type PodStatus } from "../pod/status.ts";

/** How a Pod came through admission, for a person. */
export type InjectionReport =
  | { readonly injected: true; readonly rule: string; readonly entry: string }
  | { readonly injected: false; readonly rule: string; readonly reasons: readonly string[] };

/** A Pod as `outrigger sandbox ps` shows it. Plain JSON. */
export interface PodReport {
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  readonly ips: readonly string[];
  /** Containers that are ready, of how many. */
  readonly ready: { readonly count: number; readonly of: number };
  readonly status: string;
  readonly restarts: number;
  readonly createdMs: number;
  readonly injection: InjectionReport | undefined;
  readonly warnings: readonly string[];
  /** Why the status is not good. */
  readonly explanations: readonly string[];
  /** Containers in whose place an echo server runs. */
  readonly standIns: readonly string[];
  readonly containers: readonly ContainerStatus[];
  readonly isReady: boolean;
  /** The Pod is where it should come to: it serves, or, of a Job, its work is done. */
  readonly isSettled: boolean;
  readonly isHopeless: boolean;
  /** A Job has made another Pod in place of this one. */
  readonly isReplaced: boolean;
}

/** What is known of a Pod. */
export interface PodRecord {
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  readonly ips: readonly string[];
  readonly createdMs: number;
  readonly admission: PodAdmission | undefined;
  readonly status: PodStatus;
  readonly isReplaced: boolean;
}

export function injectionReport(admission: PodAdmission | undefined): InjectionReport | undefined {
  if (admission === undefined) return undefined;
  switch (admission.outcome) {
    case "not-called":
      return { injected: false, rule: "not-called", reasons: admission.reasons };
    case "denied":
      return { injected: false, rule: "denied", reasons: [admission.message] };
    case "admitted":
      if (admission.decision === "inject") return { injected: true, rule: admission.rule, entry: admission.entry };
      return { injected: false, rule: admission.rule, reasons: [] };
  }
}

function isOfJob({ workload }: PodRecord): boolean {
  return workload.startsWith("Job/");
}

export function reportPod(record: PodRecord): PodReport {
  const { status, admission } = record;
  const counted = lasting(status);
  return {
    namespace: record.namespace,
    name: record.name,
    workload: record.workload,
    ips: record.ips,
    ready: { count: counted.filter(({ ready }) => ready).length, of: counted.length },
    status: displayStatus(status),
    restarts: status.containers.reduce((sum, { restarts }) => sum + restarts, 0),
    createdMs: record.createdMs,
    injection: injectionReport(admission),
    warnings: admission?.outcome === "admitted" ? admission.warnings : [],
    explanations: explanations(status),
    standIns: status.containers.filter(({ standIn }) => standIn).map(({ name }) => name),
    containers: status.containers,
    isReady: isReady(status),
    isSettled: status.phase === "Succeeded" || (isReady(status) && !isOfJob(record)),
    isHopeless: isHopeless(status),
    isReplaced: record.isReplaced,
  };
}
