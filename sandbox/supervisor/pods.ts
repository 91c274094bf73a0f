import type { Pod } from "../../mesh/pod.ts";
import { type AdmissionSettings, admitPod, type PodAdmission } from "../admission/admit.ts";
import type { PodFacts } from "../container/field-reference.ts";
import type { IpFamily } from "../manifest/kinds.ts";
import type { ServiceAccount } from "../manifest/manifest.ts";
import { families, podAddresses } from "../network/addresses.ts";
import type { Backend } from "../network/services.ts";
import type { NodeContext } from "../pod/context.ts";
import { hostnameOf } from "../pod/files.ts";
import { type PodObject, readPod } from "../pod/schema.ts";
import { isReady, type PodPhase, type PodStatus } from "../pod/status.ts";
import { createPodWorker, type PodWorker } from "../pod/worker.ts";
import { withDefaults } from "../workload/defaults.ts";
import { uid } from "../workload/identity.ts";
import type { WantedPod } from "../workload/pods.ts";
import { type PodReport, reportPod } from "./report.ts";

export interface PodsOptions {
  readonly node: NodeContext;
  readonly admission: () => Promise<AdmissionSettings>;
  readonly accounts: readonly ServiceAccount[];
  readonly ipFamilies: readonly IpFamily[];
  readonly machine: PodFacts["machine"];
  readonly nodeName: string;
  /** Told of every change of a Pod's status. */
  readonly changed: (pod: LivePod) => void;
}

/** A Pod that was created, and how far it has come. */
export interface LivePod {
  readonly wanted: WantedPod;
  readonly index: number;
  readonly ips: readonly string[];
  readonly createdMs: number;
  readonly admission?: PodAdmission;
  /** The Pod as admission left it. */
  readonly rawObject?: Pod;
  /** The same, as the kubelet reads it. */
  readonly object?: PodObject;
  readonly worker?: PodWorker;
  /** Why there will be no worker. */
  readonly refusal?: { readonly reason: string; readonly message: string };
  /** A Job has made another Pod in place of this one. */
  readonly isReplaced: boolean;
  readonly ended: Promise<PodPhase>;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export function statusOf({ worker, refusal }: LivePod): PodStatus {
  return worker?.status() ?? { phase: "Pending", terminating: false, containers: [], ...refusal };
}

export function reportOf(pod: LivePod): PodReport {
  const { namespace, name, workload } = pod.wanted;
  const { ips, createdMs, admission, isReplaced } = pod;
  return reportPod({ namespace, name, workload, ips, createdMs, admission, status: statusOf(pod), isReplaced });
}

/** The Pod as Services see it; undefined while it has no containers. */
export function backendOf(live: LivePod): Backend | undefined {
  const { object: pod, ips } = live;
  if (pod === undefined) return undefined;
  const { spec, metadata } = pod;
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    labels: metadata.labels,
    ips,
    ready: isReady(statusOf(live)),
    ports: [...spec.initContainers, ...spec.containers].flatMap(({ ports }) => ports),
    hostname: spec.hostname === undefined ? undefined : hostnameOf(pod),
    subdomain: spec.subdomain,
  };
}

export function markReplaced(pod: LivePod): void {
  (pod as Mutable<LivePod>).isReplaced = true;
}

/** The Pod under the name it was given, since the API server names it after admission. */
function named(object: object, wanted: WantedPod): Pod {
  const pod = object as Pod;
  const { generateName: _, ...metadata } = pod.metadata;
  const own = { ...metadata, name: wanted.name, namespace: wanted.namespace };
  return { ...pod, metadata: { ...own, uid: uid(`Pod/${wanted.namespace}/${wanted.name}`) } };
}

async function admit(wanted: WantedPod, options: PodsOptions): Promise<PodAdmission> {
  const seed = `${wanted.namespace}/${wanted.name}`;
  const object = withDefaults(wanted.object as Pod, seed, options.accounts);
  const { name = "" } = object.metadata;
  const subject = { uid: uid(`review/${seed}`), namespace: wanted.namespace, username: wanted.username, object };
  return await admitPod({ ...subject, name }, await options.admission());
}

function nodeAddresses({ ipFamilies }: PodsOptions): string[] {
  return ipFamilies.map((family) => families[family].node);
}

async function live(pod: Mutable<LivePod>, options: PodsOptions): Promise<PodPhase> {
  pod.admission = await admit(pod.wanted, options);
  if (pod.admission.outcome === "denied") {
    pod.refusal = { reason: "Denied", message: pod.admission.message };
    return "Failed";
  }
  const { namespace, name } = pod.wanted;
  pod.rawObject = named(pod.admission.object, pod.wanted);
  pod.object = readPod(pod.rawObject, `Pod ${namespace}/${name}:`);
  const { machine, nodeName } = options;
  const facts = { pod: pod.object, podIps: pod.ips, nodeIps: nodeAddresses(options), nodeName, machine };
  pod.worker = createPodWorker(options.node, { facts, index: pod.index }, () => options.changed(pod));
  options.changed(pod);
  return await pod.worker.run();
}

/** Makes Pods: names and addresses, admission, then the kubelet's work. */
export function createPods(options: PodsOptions): (wanted: WantedPod) => LivePod {
  let created = 0;
  return (wanted) => {
    const index = created;
    created += 1;
    const isOnNode = (wanted.object as Pod).spec.hostNetwork === true;
    const ips = isOnNode ? nodeAddresses(options) : podAddresses(index, options.ipFamilies);
    const ended = Promise.withResolvers<PodPhase>();
    const pod: Mutable<LivePod> = {
      wanted,
      index,
      ips,
      createdMs: Date.now(),
      isReplaced: false,
      ended: ended.promise,
    };
    void live(pod, options)
      .catch((error: unknown): PodPhase => {
        pod.refusal = { reason: "Invalid", message: (error as Error).message };
        return "Failed";
      })
      .then((phase) => {
        options.changed(pod);
        ended.resolve(phase);
      });
    return pod;
  };
}
