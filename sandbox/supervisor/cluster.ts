import { OutriggerError } from "../../mesh/errors.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { addressLimit } from "../network/addresses.ts";
import type { Backend, PlacedService } from "../network/services.ts";
import { backendsOf } from "../network/services.ts";
import { isReady } from "../pod/status.ts";
import type { WantedPod } from "../workload/pods.ts";
import { createChanges } from "./changes.ts";
import { type ControllerContext, expectedPods, runController } from "./controllers.ts";
import type { ServiceReport } from "./messages.ts";
import { backendOf, createPods, type LivePod, type PodsOptions, reportOf, statusOf } from "./pods.ts";
import { createReplicas, type Replicas } from "./replicas.ts";
import type { PodReport } from "./report.ts";
import { createServiceSync, type ServiceSync } from "./services.ts";
import { lateVerdict, settlementsOf, verdict } from "./settlement.ts";

export interface ClusterOptions extends Omit<PodsOptions, "changed" | "accounts"> {
  readonly manifest: Manifest;
  readonly services: readonly PlacedService[];
  readonly onPod: (report: PodReport) => void;
  /** Told of every change of a Pod, and when one is gone. */
  readonly onChange: () => void;
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
  readonly replicas: Replicas;
  readonly stop: (graceMs: number) => Promise<void>;
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

async function stop({ object, worker }: LivePod, graceMs: number): Promise<void> {
  const ownMs = (object?.spec.terminationGracePeriodSeconds ?? 0) * 1000;
  await worker?.stop(Math.min(ownMs, graceMs));
}

export function createCluster(options: ClusterOptions): Cluster {
  const { manifest, services, ipFamilies, onPod, onChange, onNote } = options;
  checkSize(manifest);
  const pods: LivePod[] = [];
  const changes = createChanges();
  const stopping = new AbortController();
  const backends = () => pods.flatMap((pod) => backendOf(pod) ?? []);
  const sync = createServiceSync(services, ipFamilies, backends, (error) => onNote(error.message));
  const changed = () => {
    sync.refresh();
    onChange();
    changes.announce();
  };
  const make = createPods({
    ...options,
    accounts: manifest.serviceAccounts,
    changed: (pod) => {
      onPod(reportOf(pod));
      changed();
    },
  });

  const create = (wanted: WantedPod) => {
    const pod = make(wanted);
    pods.push(pod);
    onPod(reportOf(pod));
    return pod;
  };
  const controllers: ControllerContext = {
    signal: stopping.signal,
    create,
    ready: async (pod) => void (await changes.until(() => isReady(statusOf(pod)) || undefined, stopping.signal)),
  };

  async function end(pod: LivePod, graceMs: number): Promise<void> {
    await stop(pod, graceMs);
    await pod.ended;
    pods.splice(pods.indexOf(pod), 1);
    changed();
  }

  function start(): void {
    sync.refresh();
    for (const workload of manifest.workloads) {
      runController(workload, controllers).catch((error: Error) => onNote(`${workload.name}: ${error.message}`));
    }
  }

  async function settled(signal: AbortSignal): Promise<boolean | undefined> {
    const now = () => settlementsOf(manifest.workloads, pods);
    const result = await changes.until(() => verdict(now()), AbortSignal.any([signal, stopping.signal]));
    await sync.settled();
    return stopping.signal.aborted ? undefined : (result ?? lateVerdict(now()));
  }

  return {
    sync,
    start,
    settled,
    reports: () => pods.map(reportOf),
    pods: () => pods,
    serviceReports: () => services.map((service) => serviceReport(service, backends())),
    replicas: createReplicas({ workloads: manifest.workloads, pods: () => pods, create, end }),
    find: (namespace, name) => pods.find(({ wanted }) => wanted.name === name && wanted.namespace === namespace),
    stop: async (graceMs) => {
      stopping.abort();
      await Promise.all(pods.map((pod) => stop(pod, graceMs)));
    },
  };
}
