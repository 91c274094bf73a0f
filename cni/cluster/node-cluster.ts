import { type ReflectedObject, type Reflecting, reflect } from "../../kubernetes/reflect.ts";
import { connectByServiceAccount, type RestClient, RestError } from "../../kubernetes/rest-client.ts";
import { readServiceAccount } from "../../kubernetes/service-account.ts";
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
  followPods(changed: (pods: readonly RepairablePod[]) => void, trouble: (error: unknown) => void): Reflecting;
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
  /** Where its credentials are. */
  readonly serviceAccountFolder: string;
}

const longestNote = 1024;
const jsonPatch = "application/json-patch+json";
const mergePatch = "application/merge-patch+json";

async function unlessStatus<T, U>(statuses: readonly number[], fallback: U, request: Promise<T>): Promise<T | U> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof RestError && statuses.includes(error.status)) return fallback;
    throw error;
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
    // In microseconds, of which this clock has the first three digits.
    eventTime: new Date().toISOString().replace("Z", "000Z"),
  };
}

function podPath({ namespace, name }: { namespace: string; name: string }): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}

function podRequests(client: RestClient, nodeName: string, podName: string) {
  return {
    followPods: (changed, trouble) =>
      reflect<RepairablePod & ReflectedObject>({
        client,
        path: "/api/v1/pods",
        fieldSelector: `spec.nodeName=${nodeName}`,
        changed,
        trouble,
      }),
    fetchPod: (pod) => unlessStatus([404], undefined, client.ask<Pod>({ path: podPath(pod) })),
    async deletePod(pod) {
      const { uid, ...name } = nameOf(pod);
      const body = { preconditions: { uid } };
      const request = client.ask({ method: "DELETE", path: podPath(name), body });
      return (await unlessStatus([404, 409], undefined, request)) !== undefined;
    },
    async labelPod(pod, label, value) {
      const { uid, ...name } = nameOf(pod);
      const body = { metadata: { uid, labels: { [label]: value } } };
      const request = client.ask({ method: "PATCH", path: podPath(name), body, contentType: mergePatch });
      await unlessStatus([404, 409], undefined, request);
    },
    async reportPod(pod, event) {
      const path = `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(nameOf(pod).namespace)}/events`;
      const request = client.ask({ method: "POST", path, body: eventBody(pod, event, podName) });
      await unlessStatus([404], undefined, request);
    },
  } satisfies Partial<NodeCluster>;
}

interface Taints {
  readonly spec?: { readonly taints?: readonly { readonly key: string }[] };
}

function nodeRequests(client: RestClient, nodeName: string) {
  const path = `/api/v1/nodes/${encodeURIComponent(nodeName)}`;
  return {
    async readTaints() {
      const { spec } = await client.ask<Taints>({ path });
      return spec?.taints?.map(({ key }) => key) ?? [];
    },
    async removeTaints(positions, key) {
      // From the last one on, so that the others keep their positions. Nobody else's taint is written anew.
      const body = positions
        .toSorted((one, other) => other - one)
        .flatMap((position) => [
          { op: "test", path: `/spec/taints/${position}/key`, value: key },
          { op: "remove", path: `/spec/taints/${position}` },
        ]);
      await client.ask({ method: "PATCH", path, body, contentType: jsonPatch });
    },
  } satisfies Partial<NodeCluster>;
}

/**
 * Connects by the Pod's service account, whose files stand in `serviceAccountFolder`.
 * @throws OutriggerError BAD_CONFIGURATION outside a Pod
 */
export async function connectNodeCluster(options: NodeClusterOptions): Promise<NodeCluster> {
  const { nodeName, podName, namespace, daemonSet, serviceAccountFolder } = options;
  const client = connectByServiceAccount(await readServiceAccount(serviceAccountFolder));
  return {
    ...podRequests(client, nodeName, podName),
    ...nodeRequests(client, nodeName),
    async isInstalled() {
      const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/daemonsets/${encodeURIComponent(daemonSet)}`;
      const found = await unlessStatus([401, 403, 404], undefined, client.ask<Pod>({ path }));
      return found !== undefined && found.metadata.deletionTimestamp === undefined;
    },
  };
}
