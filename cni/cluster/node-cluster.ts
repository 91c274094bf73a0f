import {
  AppsV1Api,
  CoreV1Api,
  EventsV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
} from "@kubernetes/client-node";
import { describeError, statusOfError } from "../../kubernetes/api-error.ts";
import { type Following, follow } from "../../kubernetes/follow.ts";
import type { Pod } from "../../mesh/pod.ts";
import type { PodIdentity } from "../pod-identity.ts";
import type { RepairablePod } from "../repair/broken.ts";

/** What a Pod's event says. */
export interface PodEvent {
  readonly type: "Normal" | "Warning";
  /** In CamelCase, for machines. */
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

/** Everything that the node agent asks of the API server. Errors are of one line, with the API server's own words. */
export interface NodeCluster {
  /** Follows this node's Pods. */
  followPods(changed: (pods: readonly RepairablePod[]) => void, trouble: (error: unknown) => void): Following;
  fetchPod(identity: PodIdentity): Promise<Pod | undefined>;
  /** Deletes the very Pod with that UID; false when it is gone or another one. */
  deletePod(pod: Pod): Promise<boolean>;
  labelPod(pod: Pod, label: string, value: string): Promise<void>;
  reportPod(pod: Pod, event: PodEvent): Promise<void>;
  /** The keys of the node's taints, in order. */
  readTaints(): Promise<readonly string[]>;
  /** Removes the taints at these positions. Throws when one of them has another key by now. */
  removeTaints(positions: readonly number[], key: string): Promise<void>;
  /**
   * Whether the agent's DaemonSet is there and not being deleted. No right to ask any more means that it is not: an
   * uninstallation may take the rights away first.
   */
  isInstalled(): Promise<boolean>;
}

export interface NodeClusterOptions {
  readonly nodeName: string;
  /** The agent's own Pod and DaemonSet. */
  readonly podName: string;
  readonly namespace: string;
  readonly daemonSet: string;
}

const requestTimeoutMs = 4_000;
const longestNote = 1024;
const jsonPatch = setHeaderOptions("Content-Type", PatchStrategy.JsonPatch);
const mergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);

/** The client waits as long as the network does; nobody else shall. */
async function timely<T>(what: string, request: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${requestTimeoutMs} ms`)), requestTimeoutMs);
  try {
    return await Promise.race([request, promise]);
  } catch (error) {
    if (statusOfError(error) !== undefined) throw error;
    throw new Error(`${what}: ${describeError(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function unlessStatus<T, U>(statuses: readonly number[], fallback: U, request: Promise<T>): Promise<T | U> {
  try {
    return await request;
  } catch (error) {
    if (statuses.includes(statusOfError(error) ?? 0)) return fallback;
    throw new Error(describeError(error), { cause: error });
  }
}

function nameOf({ metadata }: Pod): { name: string; namespace: string; uid: string } {
  return { name: metadata.name ?? "", namespace: metadata.namespace ?? "", uid: String(metadata.uid ?? "") };
}

function eventBody(pod: Pod, { note, ...event }: PodEvent, reporter: string) {
  const { name, namespace, uid } = nameOf(pod);
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { generateName: `${name.slice(0, 40)}-`, namespace },
    ...event,
    note: note.slice(0, longestNote),
    regarding: { apiVersion: "v1", kind: "Pod", name, namespace, uid },
    reportingController: "outrigger.io/cni",
    reportingInstance: reporter,
    eventTime: new V1MicroTime(),
  };
}

/** Connects by the Pod's service account, or by `KUBECONFIG`. */
export function connectNodeCluster({ nodeName, podName, namespace, daemonSet }: NodeClusterOptions): NodeCluster {
  const config = new KubeConfig();
  config.loadFromDefault();
  const core = config.makeApiClient(CoreV1Api);
  const events = config.makeApiClient(EventsV1Api);
  const apps = config.makeApiClient(AppsV1Api);
  const fieldSelector = `spec.nodeName=${nodeName}`;
  return {
    followPods: (changed, trouble) =>
      follow({
        config,
        path: "/api/v1/pods",
        list: () => core.listPodForAllNamespaces({ fieldSelector }),
        fieldSelector,
        changed: (pods) => changed(pods as unknown as RepairablePod[]),
        trouble,
      }),
    fetchPod: ({ namespace, name }) =>
      unlessStatus([404], undefined, timely("GET Pod", core.readNamespacedPod({ namespace, name }))) as Promise<
        Pod | undefined
      >,
    async deletePod(pod) {
      const { name, namespace, uid } = nameOf(pod);
      const request = core.deleteNamespacedPod({ name, namespace, body: { preconditions: { uid } } });
      return (await unlessStatus([404, 409], undefined, timely("DELETE Pod", request))) !== undefined;
    },
    async labelPod(pod, label, value) {
      const { name, namespace, uid } = nameOf(pod);
      const body = { metadata: { uid, labels: { [label]: value } } };
      await unlessStatus(
        [404, 409],
        undefined,
        timely("PATCH Pod", core.patchNamespacedPod({ name, namespace, body }, mergePatch)),
      );
    },
    async reportPod(pod, event) {
      const { namespace } = nameOf(pod);
      const request = events.createNamespacedEvent({ namespace, body: eventBody(pod, event, podName) });
      await unlessStatus([404], undefined, timely("POST Event", request));
    },
    async readTaints() {
      const node = await unlessStatus([], undefined, timely("GET Node", core.readNode({ name: nodeName })));
      return node?.spec?.taints?.map(({ key }) => key) ?? [];
    },
    async removeTaints(positions, key) {
      // From the last one on, so that the others keep their positions. Nobody else's taint is written anew.
      const body = positions
        .toSorted((one, other) => other - one)
        .flatMap((position) => [
          { op: "test", path: `/spec/taints/${position}/key`, value: key },
          { op: "remove", path: `/spec/taints/${position}` },
        ]);
      await unlessStatus([], undefined, timely("PATCH Node", core.patchNode({ name: nodeName, body }, jsonPatch)));
    },
    async isInstalled() {
      const request = apps.readNamespacedDaemonSet({ name: daemonSet, namespace });
      const found = await unlessStatus([401, 403, 404], undefined, timely("GET DaemonSet", request));
      return found !== undefined && found.metadata?.deletionTimestamp === undefined;
    },
  };
}
