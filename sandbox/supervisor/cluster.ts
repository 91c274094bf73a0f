import { OutriggerError } from "../../mesh/errors.ts";
import type { Manifest, Workload } from "../manifest/manifest.ts";
import { addressLimit } from "../network/addresses.ts";
import type { Backend, PlacedService } from "../network/services.ts";
import { backendsOf } from "../network/services.ts";
import { isReady } from "../pod/status.ts";
import { expectedPods, runController } from "./controllers.ts";
import type { ServiceReport } from "./messages.ts";
import { backendOf, createPods, type LivePod, type PodsOptions, reportOf, statusOf } from "./pods.ts";
import type { PodReport } from "./report.ts";
import { createServiceSync, type ServiceSync } from "./services.ts";

export interface ClusterOptions extends Omit<PodsOptions, "changed" | "accounts"> {
  readonly manifest: Manifest;
  readonly services: readonly PlacedService[];
  readonly onPod: (report: PodReport) => void;
  readonly onNote: (text: string) => void;
}

/** All that runs in a sandbox. */
export interface Cluster {
  readonly sync: ServiceSync;
  readonly start: () => void;
  /**
   * Resolves true once every Pod is where it should come to; false when one never will, or is not when `signal` says that
   * the time is over; undefined when the sandbox is stopped before.
   */
  readonly settled: (signal: AbortSignal) => Promise<boolean | undefined>;
  readonly reports: () => PodReport[];
  readonly pods: () => readonly LivePod[];
  readonly serviceReports: () => ServiceReport[];
  readonly find: (namespace: string, name: string) => LivePod | undefined;
  readonly stop: (graceMs: number) => Promise<void>;
}

/** `working`: a Job whose Pods run; it may do so for as long as it likes. */
type Settlement = "settled" | "working" | "hopeless" | "underway";

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

function serviceReport(
  { name, namespace, spec, clusterIps }: PlacedService,
  backends: readonly Backend[],
): ServiceReport {
  return {
    name,
    namespace,
    type: spec.type,
    clusterIps: clusterIps.length > 0 ? clusterIps : [spec.type === "ExternalName" ? spec.externalName : "None"],
    ports: spec.ports.map(({ port, protocol }) => `${port}/${protocol}`),
    endpoints: backendsOf({ name, namespace, spec }, backends).length,
  };
}

function checkSize({ workloads }: Manifest): void {
  const wanted = workloads.reduce((sum, workload) => sum + expectedPods(workload), 0);
  if (wanted <= addressLimit) return;
  const problem = { field: "replicas", value: String(wanted), message: `are more Pods than ${addressLimit}` };
  throw new OutriggerError("SANDBOX_FAILED", [problem]);
}

export function createCluster(options: ClusterOptions): Cluster {
  const { manifest, services, ipFamilies } = options;
  checkSize(manifest);
  const pods: LivePod[] = [];
  const watchers = new Set<() => void>();
  const stopping = new AbortController();
  const backends = () => pods.flatMap((pod) => backendOf(pod) ?? []);
  const sync = createServiceSync(services, ipFamilies, backends, (error) => options.onNote(error.message));

  function changed(pod: LivePod): void {
    sync.refresh();
    options.onPod(reportOf(pod));
    for (const check of [...watchers]) check();
  }

  /** Resolves with the first value that `probe` gives, now or after a change; undefined when the signal comes first. */
  function until<T>(probe: () => T | undefined, signal: AbortSignal): Promise<T | undefined> {
    return new Promise((resolve) => {
      const finish = (value: T | undefined) => {
        watchers.delete(check);
        signal.removeEventListener("abort", give);
        resolve(value);
      };
      const give = () => finish(undefined);
      const check = () => {
        const value = probe();
        if (value !== undefined) finish(value);
      };
      watchers.add(check);
      signal.addEventListener("abort", give, { once: true });
      if (signal.aborted) give();
      else check();
    });
  }

  const make = createPods({ ...options, accounts: manifest.serviceAccounts, changed });

  function create(...args: Parameters<typeof make>): LivePod {
    const pod = make(...args);
    pods.push(pod);
    options.onPod(reportOf(pod));
    return pod;
  }

  async function ready(pod: LivePod): Promise<void> {
    await until(() => (isReady(statusOf(pod)) ? true : undefined), stopping.signal);
  }

  async function settled(signal: AbortSignal): Promise<boolean | undefined> {
    const settlements = () => manifest.workloads.map((workload) => settlementOf(workload, pods));
    const verdict = () => {
      const now = settlements();
      if (now.every((settlement) => settlement === "settled")) return true;
      return now.every((settlement) => settlement === "settled" || settlement === "hopeless") ? false : undefined;
    };
    const result = await until(verdict, AbortSignal.any([signal, stopping.signal]));
    await sync.settled();
    if (stopping.signal.aborted) return undefined;
    return result ?? settlements().every((settlement) => settlement === "settled" || settlement === "working");
  }

  return {
    sync,
    start: () => {
      sync.refresh();
      for (const workload of manifest.workloads) {
        runController(workload, { create, ready, signal: stopping.signal }).catch((error: Error) =>
          options.onNote(`${workload.kind} ${workload.name}: ${error.message}`),
        );
      }
    },
    settled,
    reports: () => pods.map(reportOf),
    pods: () => pods,
    serviceReports: () => services.map((service) => serviceReport(service, backends())),
    find: (namespace, name) => pods.find(({ wanted }) => wanted.name === name && wanted.namespace === namespace),
    stop: async (graceMs) => {
      stopping.abort();
      const ends = pods.map(async (pod) => {
        const ownMs = (pod.object?.spec.terminationGracePeriodSeconds ?? 0) * 1000;
        await pod.worker?.stop(Math.min(ownMs, graceMs));
      });
      await Promise.all(ends);
    },
  };
}
