import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { cniClusterPermissions, cniNamespacePermissions } from "../../deploy/manifests/cni-access.ts";
import { cniName } from "../../deploy/manifests/cni-names.ts";
import { installSettings } from "../../deploy/settings.ts";
import { auditOf, differences } from "./audit.ts";
import { type Cluster, connect } from "./cluster.ts";
import { type CniOfCluster, cniOf, meshed, nodeOf, withoutOutrigger, writeChain } from "./cni-node.ts";
import { installed } from "./installed.ts";
import type { Machine } from "./machine/handle.ts";
import { nodeName } from "./machine/layout.ts";
import { cniDirectories } from "./machine/node.ts";
import type { Pod } from "./pod.ts";
import { until } from "./waiting.ts";
import { appDeployment, appPod } from "./workload.ts";

// Pods that come before the node can write their rules.

let cluster: Cluster;
let cni: CniOfCluster;
before(async () => {
  cluster = await connect();
  cni = cniOf(cluster);
});
after(() => installed(cluster));

const withRepair = (repair: "repair" | "delete" | "label") => installed(cluster, { cni: { enabled: true, repair } });

const lookFor = <T>(what: string, look: () => Promise<T | undefined | false>) =>
  until(what, look, { timeoutMs: 180_000 });

/** Makes a Pod on a node that has neither agent nor plugin, and waits until its validation has stopped it. */
async function earlyPod(t: TestContext, machine: Machine, namespace: string): Promise<Pod> {
  t.after(cni.bringAgentsBack);
  await cni.sendAgentsAway();
  await writeChain(machine, withoutOutrigger);
  await cluster.apply([appDeployment(namespace, "early")]);
  return lookFor("validation that ended with 126", async () => {
    const [pod] = await cluster.list<Pod>("v1", "Pod", { namespace });
    const status = pod?.status.initContainerStatuses?.find(({ name }) => name === "istio-validation");
    return [status?.state, status?.lastState].some((state) => state?.terminated?.exitCode === 126) && pod;
  });
}

test("a Pod that starts before the plugin stands is stopped by its validation, and repaired in place", async (t) => {
  const machine = nodeOf(cluster, t);
  if (machine === undefined) return;
  await withRepair("repair");
  const client = await cni.plainClient(t);
  const namespace = await cluster.namespace(t, meshed);
  const stopped = await earlyPod(t, machine, namespace);
  await cni.bringAgentsBack();
  await cni.awaitEvent(stopped, "CaptureRepaired");
  const repaired = await cluster.readyPod(namespace, "app=early");
  assert.equal(repaired.metadata.uid, stopped.metadata.uid, "the same Pod");
  await cni.assertCaptured(repaired, client);
});

test("repair by deletion: a new Pod comes in its place, captured", async (t) => {
  const machine = nodeOf(cluster, t);
  if (machine === undefined) return;
  await withRepair("delete");
  const client = await cni.plainClient(t);
  const namespace = await cluster.namespace(t, meshed);
  const stopped = await earlyPod(t, machine, namespace);
  await cni.bringAgentsBack();
  await cni.awaitEvent(stopped, "CaptureMissing");
  const fresh = await cluster.readyPod(namespace, "app=early");
  assert.notEqual(fresh.metadata.uid, stopped.metadata.uid, "another Pod");
  await cni.assertCaptured(fresh, client);
});

test("repair by label: the Pod is marked, and left to others", async (t) => {
  const machine = nodeOf(cluster, t);
  if (machine === undefined) return;
  await withRepair("label");
  const namespace = await cluster.namespace(t, meshed);
  const stopped = await earlyPod(t, machine, namespace);
  await cni.bringAgentsBack();
  await cni.awaitEvent(stopped, "CaptureMissing");
  const marked = await cluster.list<Pod>("v1", "Pod", { namespace, labels: "cni.istio.io/uninitialized=true" });
  assert.deepEqual(
    marked.map(({ metadata }) => metadata.uid),
    [stopped.metadata.uid],
  );
});

test("the startup taint keeps Pods off a node until its agent is ready", async (t) => {
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: nodeName } };
  if (nodeOf(cluster, t) === undefined) return;
  await withRepair("repair");
  await cni.sendAgentsAway();
  t.after(cni.bringAgentsBack);
  const taint = { key: "cni.istio.io/not-ready", effect: "NoSchedule" };
  const path = `/api/v1/nodes/${nodeName}`;
  const contentType = "application/strategic-merge-patch+json";
  await cluster.api.request({ method: "PATCH", path, body: { spec: { taints: [taint] } }, contentType });
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "one")]);
  await until("Pod that cannot be scheduled", async () => {
    const [pod] = await cluster.list<Pod>("v1", "Pod", { namespace });
    return pod?.status.conditions?.some(({ type, status }) => type === "PodScheduled" && status === "False");
  });
  await installed(cluster, { cni: { enabled: true, removeTaint: true } });
  await cni.bringAgentsBack();
  await cluster.readyPod(namespace, "app=one");
  const { spec } = (await cluster.read(node)) as unknown as { spec: { taints?: { key: string }[] } };
  assert.ok(!spec.taints?.some(({ key }) => key === taint.key));
});

/** Every permission that some setting gives the agents. */
function everyPermission() {
  const permissions = (["repair", "delete", "label"] as const).map((repair) =>
    cniClusterPermissions(installSettings({ cni: { enabled: true, repair, removeTaint: true } })),
  );
  return [...permissions.flatMap((byRole) => Object.values(byRole).flat()), ...cniNamespacePermissions];
}

/** Calls the plugin as a runtime would for a Pod that the API server does not have. */
function addUnknownPod(machine: Machine) {
  const configuration = JSON.stringify({ cniVersion: "1.0.0", name: "pods", run_directory: "/run/outrigger-cni" });
  const environment = [
    "CNI_COMMAND=ADD",
    "CNI_CONTAINERID=c1",
    "CNI_NETNS=/var/run/netns/none",
    "CNI_IFNAME=eth0",
    "CNI_ARGS=K8S_POD_NAMESPACE=default;K8S_POD_NAME=nobody",
  ];
  const script = 'printf %s "$1" | env "$2" "$3" "$4" "$5" "$6" "$7"';
  return machine.run(
    "sh",
    "-c",
    script,
    "sh",
    configuration,
    ...environment,
    `${cniDirectories.plugins}/outrigger-cni`,
  );
}

test("the agents have asked for nothing that they may not do, and may do nothing that they have not asked for", async (t) => {
  const machine = nodeOf(cluster, t);
  if (machine === undefined) return;
  const { stdout, exitCode } = await addUnknownPod(machine);
  assert.equal(exitCode, 1);
  assert.match(stdout, /Pod default\/nobody .* does not exist any more/);
  const found = differences(await auditOf(machine, "outrigger-cni", cniName), everyPermission());
  assert.deepEqual(found, { notGranted: [], unused: [] });
});
