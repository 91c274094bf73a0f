import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { readObject } from "../../deploy/cluster/apply.ts";
import { nodesPending } from "../../deploy/install/wait.ts";
import type { Cluster } from "./cluster.ts";
import type { Machine } from "./machine/handle.ts";
import { cniDirectories } from "./machine/node.ts";
import type { Pod } from "./pod.ts";
import { accessLogged, get } from "./traffic.ts";
import { until } from "./waiting.ts";
import { appPod } from "./workload.ts";

/** What asks for injection, as labels of a namespace. */
export const meshed = { "istio-injection": "enabled" };
/** A sidecar of which a small node holds many. */
export const smallProxy = { "sidecar.istio.io/proxyCPU": "1m", "sidecar.istio.io/proxyMemory": "16Mi" };

const networkFile = `${cniDirectories.configuration}/10-pods.conflist`;
const daemonSet: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "outrigger-cni", namespace: "outrigger-cni" },
};

type PluginList = readonly { readonly type: string }[];

/** The node agents of a cluster, and their node's CNI chain. */
export interface CniOfCluster {
  agents(): Promise<Pod[]>;
  patchDaemonSet(template: unknown): Promise<void>;
  /** Takes the agents off the nodes, as a drain or a crash of the DaemonSet would: the DaemonSet stays. */
  sendAgentsAway(): Promise<void>;
  bringAgentsBack(): Promise<void>;
  /** `reason: message` of each event of a Pod. */
  eventsOf(pod: Pod): Promise<string[]>;
  /** Waits for an event of a Pod; its error has the others, and the agents' last words. */
  awaitEvent(pod: Pod, reason: string): Promise<void>;
  /** A Pod outside the mesh, in a namespace of its own. */
  plainClient(t: TestContext): Promise<Pod>;
  /** Shows that inbound and outbound traffic of the Pod goes through its sidecar. */
  assertCaptured(pod: Pod, client: Pod): Promise<void>;
}

export function cniOf(cluster: Cluster): CniOfCluster {
  const agents = () => cluster.list<Pod>("v1", "Pod", { namespace: "outrigger-cni", labels: "app=outrigger-cni" });
  const patchDaemonSet = async (template: unknown): Promise<void> => {
    const path = "/apis/apps/v1/namespaces/outrigger-cni/daemonsets/outrigger-cni";
    const contentType = "application/merge-patch+json";
    await cluster.api.request({ method: "PATCH", path, body: { spec: { template } }, contentType });
  };
  const eventsOf = async ({ metadata }: Pod): Promise<string[]> => {
    const namespace = metadata.namespace ?? "default";
    const found = await cluster.list<KubernetesObject>("v1", "Event", { namespace });
    return found
      .filter(({ involvedObject }) => (involvedObject as { name?: string }).name === metadata.name)
      .map(({ reason, message }) => `${reason}: ${message}`);
  };
  const lastWords = async (): Promise<string[]> =>
    Promise.all((await agents()).map(async (pod) => (await cluster.logs(pod, "agent")).slice(-3000)));
  return {
    agents,
    patchDaemonSet,
    eventsOf,
    async awaitEvent(pod, reason) {
      try {
        await until(
          `event ${reason} of ${pod.metadata.name}`,
          async () => (await eventsOf(pod)).some((text) => text.startsWith(`${reason}: `)),
          { timeoutMs: 120_000 },
        );
      } catch (error) {
        throw new Error([(error as Error).message, ...(await eventsOf(pod)), ...(await lastWords())].join("\n"));
      }
    },
    async sendAgentsAway() {
      await patchDaemonSet({ spec: { nodeSelector: { "test.outrigger.dev/none": "none" } } });
      await until("no agent", async () => (await agents()).length === 0);
    },
    async bringAgentsBack() {
      await patchDaemonSet({ spec: { nodeSelector: { "test.outrigger.dev/none": null } } });
      await until("agent on every node", async () => {
        const found = await readObject(cluster.api, daemonSet);
        return found !== undefined && nodesPending(found) === undefined;
      });
    },
    async plainClient(t) {
      const namespace = await cluster.namespace(t);
      await cluster.apply([appPod(namespace, "client")]);
      return cluster.readyPod(namespace, "app=client");
    },
    async assertCaptured(pod, client) {
      const name = pod.metadata.name;
      await get(cluster, client, `http://${pod.status.podIP}:8080/inbound-${name}`);
      await accessLogged(cluster, pod, new RegExp(`/inbound-${name}`));
      // No Service explains this address, so that it passes as bytes.
      await get(cluster, pod, `http://${client.status.podIP}:8080/outbound`);
      await accessLogged(cluster, pod, new RegExp(`"${client.status.podIP}:8080" PassthroughCluster`));
    },
  };
}

/** The node itself, for tests that need one of their own; they skip without. */
export function nodeOf(cluster: Cluster, t: TestContext): Machine | undefined {
  if (cluster.machine === undefined) t.skip("needs a node of the test's own");
  return cluster.machine;
}

async function readList(machine: Machine): Promise<{ plugins: PluginList }> {
  return JSON.parse((await machine.run("cat", networkFile)).stdout) as { plugins: PluginList };
}

/** The types of the plugins in the node's chain, in order. */
export async function chain(machine: Machine): Promise<string[]> {
  return (await readList(machine)).plugins.map(({ type }) => type);
}

/** Writes the node's chain as another tool would. */
export async function writeChain(machine: Machine, change: (plugins: PluginList) => PluginList): Promise<void> {
  const list = await readList(machine);
  const text = JSON.stringify({ ...list, plugins: change(list.plugins) });
  const script = 'printf %s "$1" > "$2.new" && mv "$2.new" "$2"';
  const { exitCode, stderr } = await machine.run("sh", "-c", script, "sh", text, networkFile);
  assert.equal(exitCode, 0, stderr);
}

export const withoutOutrigger = (plugins: PluginList): PluginList =>
  plugins.filter(({ type }) => type !== "outrigger-cni");
