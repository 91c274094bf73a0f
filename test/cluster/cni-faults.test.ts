import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Cluster, connect } from "./cluster.ts";
import { type CniOfCluster, chain, cniOf, meshed, nodeOf, withoutOutrigger, writeChain } from "./cni-node.ts";
import { installed } from "./installed.ts";
import type { Machine } from "./machine/handle.ts";
import { nodeName } from "./machine/layout.ts";
import { cniDirectories } from "./machine/node.ts";
import { containerNames, type Pod } from "./pod.ts";
import { until } from "./waiting.ts";
import { appPod } from "./workload.ts";

// Parts of capture from the node go away, and come back.

let cluster: Cluster;
let cni: CniOfCluster;
before(async () => {
  cluster = await connect();
  cni = cniOf(cluster);
  await installed(cluster, { cni: { enabled: true } });
});
after(() => installed(cluster));

test("without its agent a node starts unmeshed Pods, holds meshed ones back and says why, and goes on when it returns", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  t.after(cni.bringAgentsBack);
  await cni.sendAgentsAway();
  const client = await cni.plainClient(t);
  await cluster.apply([appPod(namespace, "one")]);
  const held = await until("meshed Pod", async () => (await cluster.list<Pod>("v1", "Pod", { namespace }))[0]);
  const event = await until("event that says why", async () =>
    (await cni.eventsOf(held)).find((text) => text.includes("outrigger-cni")),
  );
  assert.match(event, /plugin type="outrigger-cni" failed \(add\): the Outrigger node agent did not answer/);
  assert.match(event, /look at the agent's Pod on this node \(label app=outrigger-cni\)/);
  await cni.bringAgentsBack();
  await cni.assertCaptured(await cluster.readyPod(namespace, "app=one"), client);
});

/** Starts runtime and kubelet, as a node's init would: a kubelet that comes before the runtime answers ends, and is started again. */
async function startNode(machine: Machine): Promise<void> {
  const startedAt = Date.now();
  const lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: nodeName, namespace: "kube-node-lease" },
  };
  await machine.program("start", "containerd");
  await until("sign of life of the kubelet", async () => {
    await machine.program("start", "kubelet");
    const { renewTime = "" } = ((await cluster.read(lease))?.spec ?? {}) as { renewTime?: string };
    return Date.parse(renewTime) > startedAt;
  });
}

test("a node that restarts keeps its Pods captured, and starts new ones when its agent is back", async (t) => {
  const machine = nodeOf(cluster, t);
  if (machine === undefined) return;
  const client = await cni.plainClient(t);
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "before")]);
  const running = await cluster.readyPod(namespace, "app=before");
  const restarts = (await cni.agents())[0]?.status.containerStatuses?.[0]?.restartCount ?? 0;
  await machine.program("kill", "kubelet");
  await machine.program("kill", "containerd");
  const find = "grep --files-with-matches --null-data --line-regexp agent /proc/[0-9]*/cmdline";
  const found = (await machine.run("sh", "-c", find)).stdout.match(/\d+/g) ?? [];
  assert.equal(found.length, 1, "the agent runs");
  await machine.run("kill", "-KILL", ...found);
  await startNode(machine);
  await cluster.apply([appPod(namespace, "after")]);
  const fresh = await cluster.readyPod(namespace, "app=after");
  await cni.assertCaptured(fresh, client);
  await cni.assertCaptured(running, client);
  await until(
    "restart of the agent by the kubelet",
    async () => ((await cni.agents())[0]?.status.containerStatuses?.[0]?.restartCount ?? 0) > restarts,
  );
});

test("an entry that another tool overwrites comes back", async (t) => {
  const machine = nodeOf(cluster, t);
  if (machine === undefined) return;
  await writeChain(machine, withoutOutrigger);
  await until("entry", async () => (await chain(machine)).at(-1) === "outrigger-cni");
  const client = await cni.plainClient(t);
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "one")]);
  await cni.assertCaptured(await cluster.readyPod(namespace, "app=one"), client);
});

test("uninstalled, the node's chain and plugins are what they were, and Pods start", async (t) => {
  const machine = nodeOf(cluster, t);
  if (machine === undefined) return;
  t.after(() => installed(cluster, { cni: { enabled: true } }));
  await installed(cluster);
  await until("chain without Outrigger", async () => !(await chain(machine)).includes("outrigger-cni"));
  assert.deepEqual(await chain(machine), ["bridge", "portmap"]);
  await until(
    "no executable",
    async () => (await machine.run("ls", `${cniDirectories.plugins}/outrigger-cni`)).exitCode !== 0,
  );
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "one")]);
  const pod = await cluster.readyPod(namespace, "app=one");
  assert.ok(containerNames(pod).includes("istio-init"));
});
