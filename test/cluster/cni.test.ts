import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { readObject } from "../../deploy/cluster/apply.ts";
import { nodesPending } from "../../deploy/install/wait.ts";
import { cniClusterPermissions, cniNamespacePermissions } from "../../deploy/manifests/cni-access.ts";
import { cniName } from "../../deploy/manifests/cni-names.ts";
import { installSettings } from "../../deploy/settings.ts";
import { auditOf, differences } from "./audit.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed } from "./installed.ts";
import type { Machine } from "./machine/handle.ts";
import { nodeName } from "./machine/layout.ts";
import { cniDirectories } from "./machine/node.ts";
import { containerNames, isReady, type Pod } from "./pod.ts";
import { accessLogged, get } from "./traffic.ts";
import { until } from "./waiting.ts";
import { appDeployment, appPod, appService } from "./workload.ts";

// The node writes the rules: real Pods through kubelet, containerd and the chained plugin, while parts of it go away.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster, { cni: { enabled: true } });
});
after(() => installed(cluster));

const networkFile = `${cniDirectories.configuration}/10-pods.conflist`;
const meshed = { "istio-injection": "enabled" };
const smallProxy = { "sidecar.istio.io/proxyCPU": "1m", "sidecar.istio.io/proxyMemory": "16Mi" };
const daemonSet: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "outrigger-cni", namespace: "outrigger-cni" },
};

function agents(): Promise<Pod[]> {
  return cluster.list<Pod>("v1", "Pod", { namespace: "outrigger-cni", labels: "app=outrigger-cni" });
}

async function patchDaemonSet(template: unknown): Promise<void> {
  const path = "/apis/apps/v1/namespaces/outrigger-cni/daemonsets/outrigger-cni";
  const contentType = "application/merge-patch+json";
  await cluster.api.request({ method: "PATCH", path, body: { spec: { template } }, contentType });
}

/** Takes the agents off the nodes, as a drain or a crash of the DaemonSet would: the DaemonSet stays. */
async function sendAgentsAway(): Promise<void> {
  await patchDaemonSet({ spec: { nodeSelector: { "test.outrigger.dev/none": "none" } } });
  await until("no agent", async () => (await agents()).length === 0);
}

async function bringAgentsBack(): Promise<void> {
  await patchDaemonSet({ spec: { nodeSelector: { "test.outrigger.dev/none": null } } });
  await until("agent on every node", async () => {
    const found = await readObject(cluster.api, daemonSet);
    return found !== undefined && nodesPending(found) === undefined;
  });
}

function node(t: TestContext): Machine | undefined {
  if (cluster.machine === undefined) t.skip("needs a node of the test's own");
  return cluster.machine;
}

async function chain(machine: Machine): Promise<string[]> {
  const { plugins } = JSON.parse((await machine.run("cat", networkFile)).stdout) as { plugins: { type: string }[] };
  return plugins.map(({ type }) => type);
}

async function writeChain(
  machine: Machine,
  change: (plugins: { type: string }[]) => { type: string }[],
): Promise<void> {
  const list = JSON.parse((await machine.run("cat", networkFile)).stdout) as { plugins: { type: string }[] };
  const text = JSON.stringify({ ...list, plugins: change(list.plugins) });
  const script = 'printf %s "$1" > "$2.new" && mv "$2.new" "$2"';
  const { exitCode, stderr } = await machine.run("sh", "-c", script, "sh", text, networkFile);
  assert.equal(exitCode, 0, stderr);
}

async function eventsOf({ metadata }: Pod): Promise<string[]> {
  const found = await cluster.list<KubernetesObject>("v1", "Event", { namespace: metadata.namespace ?? "default" });
  return found
    .filter(({ involvedObject }) => (involvedObject as { name?: string }).name === metadata.name)
    .map(({ reason, message }) => `${reason}: ${message}`);
}

/** Shows that inbound and outbound traffic of the Pod goes through its sidecar. */
async function assertCaptured(pod: Pod, client: Pod): Promise<void> {
  await get(cluster, client, `http://${pod.status.podIP}:8080/inbound-${pod.metadata.name}`);
  await accessLogged(cluster, pod, new RegExp(`/inbound-${pod.metadata.name}`));
  await get(cluster, pod, `http://${client.status.podIP}:8080/outbound-${pod.metadata.name}`);
  await accessLogged(cluster, pod, new RegExp(`/outbound-${pod.metadata.name}`));
}

async function plainClient(t: TestContext): Promise<Pod> {
  const namespace = await cluster.namespace(t);
  await cluster.apply([appPod(namespace, "client")]);
  return cluster.readyPod(namespace, "app=client");
}

const harmless = {
  spec: { securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } } },
  container: { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } },
};

test("in a namespace with restricted Pod Security a meshed Pod runs, and its traffic is captured", async (t) => {
  const client = await plainClient(t);
  const restricted = { ...meshed, "pod-security.kubernetes.io/enforce": "restricted" };
  const namespace = await cluster.namespace(t, restricted);
  await cluster.apply([appPod(namespace, "one", harmless), appService(namespace, "one")]);
  const pod = await cluster.readyPod(namespace, "app=one");
  assert.ok(!containerNames(pod).includes("istio-init"), String(containerNames(pod)));
  assert.ok(containerNames(pod).includes("istio-validation"), String(containerNames(pod)));
  await assertCaptured(pod, client);
});

test("a Pod with interception mode NONE starts, and nothing of it is captured", async (t) => {
  const client = await plainClient(t);
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "one", { annotations: { "sidecar.istio.io/interceptionMode": "NONE" } })]);
  const pod = await cluster.readyPod(namespace, "app=one");
  await get(cluster, client, `http://${pod.status.podIP}:8080/uncaptured`);
  assert.doesNotMatch(await cluster.logs(pod, "istio-proxy"), /uncaptured/);
});

test("50 Pods at once all start captured", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  const small = { resources: { requests: { cpu: "1m", memory: "8Mi" } } };
  const started = performance.now();
  await cluster.apply([appDeployment(namespace, "many", { replicas: 50, annotations: smallProxy, container: small })]);
  const ready = await until(
    "50 ready Pods",
    async () => {
      const pods = await cluster.list<Pod>("v1", "Pod", { namespace, labels: "app=many" });
      return pods.filter(isReady).length === 50 && pods;
    },
    { timeoutMs: 400_000, intervalMs: 1_000 },
  );
  t.diagnostic(`50 Pods were ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const pod of ready) assert.ok(!containerNames(pod).includes("istio-init"));
});

/** Makes meshed Pods, each when the one before has its network, until `work` has ended. Returns their names. */
async function whilePodsCome(namespace: string, work: () => Promise<void>): Promise<string[]> {
  const names: string[] = [];
  let running = true;
  const churn = (async () => {
    while (running) {
      const name = `churn-${names.length}`;
      const [pod] = await cluster.apply([appPod(namespace, name, { annotations: smallProxy })]);
      names.push(name);
      if (pod !== undefined)
        await until(`network of ${name}`, async () => (await cluster.read<Pod>(pod))?.status.podIP);
    }
  })();
  try {
    await work();
  } finally {
    running = false;
    await churn;
  }
  return names;
}

test("a rolling upgrade of the agent delays no Pod that comes meanwhile", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  const old = (await agents()).map(({ metadata }) => metadata.name);
  const names = await whilePodsCome(namespace, async () => {
    await patchDaemonSet({ metadata: { annotations: { "test.outrigger.dev/restarted": new Date().toISOString() } } });
    await until("new agents alone", async () => {
      const now = await agents();
      return now.length > 0 && now.every((pod) => !old.includes(pod.metadata.name) && isReady(pod));
    });
  });
  t.diagnostic(`${names.length} Pods were made meanwhile`);
  for (const name of names) {
    const pod = await cluster.readyPod(namespace, `app=${name}`, { timeoutMs: 180_000 });
    assert.deepEqual(
      (await eventsOf(pod)).filter((text) => text.startsWith("FailedCreatePodSandBox")),
      [],
    );
  }
});

test("without its agent a node starts unmeshed Pods, holds meshed ones back and says why, and goes on when it returns", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  t.after(bringAgentsBack);
  await sendAgentsAway();
  const client = await plainClient(t);
  await cluster.apply([appPod(namespace, "one")]);
  const held = await until("meshed Pod", async () => (await cluster.list<Pod>("v1", "Pod", { namespace }))[0]);
  const event = await until("event that says why", async () =>
    (await eventsOf(held)).find((text) => text.includes("outrigger-cni")),
  );
  assert.match(event, /plugin type="outrigger-cni" failed \(add\): the Outrigger node agent did not answer/);
  assert.match(event, /look at the agent's Pod on this node \(label app=outrigger-cni\)/);
  await bringAgentsBack();
  await assertCaptured(await cluster.readyPod(namespace, "app=one", { timeoutMs: 120_000 }), client);
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
  const machine = node(t);
  if (machine === undefined) return;
  const client = await plainClient(t);
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "before")]);
  const running = await cluster.readyPod(namespace, "app=before");
  const restarts = (await agents())[0]?.status.containerStatuses?.[0]?.restartCount ?? 0;
  await machine.program("kill", "kubelet");
  await machine.program("kill", "containerd");
  const find = "grep --files-with-matches --null-data --line-regexp agent /proc/[0-9]*/cmdline";
  const found = (await machine.run("sh", "-c", find)).stdout.match(/\d+/g) ?? [];
  assert.equal(found.length, 1, "the agent runs");
  await machine.run("kill", "-KILL", ...found);
  await startNode(machine);
  await cluster.apply([appPod(namespace, "after")]);
  const fresh = await cluster.readyPod(namespace, "app=after", { timeoutMs: 180_000 });
  await assertCaptured(fresh, client);
  await assertCaptured(running, client);
  assert.ok(
    ((await agents())[0]?.status.containerStatuses?.[0]?.restartCount ?? 0) > restarts,
    "it came back by itself",
  );
});

test("an entry that another tool overwrites comes back", async (t) => {
  const machine = node(t);
  if (machine === undefined) return;
  await writeChain(machine, (plugins) => plugins.filter(({ type }) => type !== "outrigger-cni"));
  await until("entry", async () => (await chain(machine)).at(-1) === "outrigger-cni");
  const client = await plainClient(t);
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "one")]);
  await assertCaptured(await cluster.readyPod(namespace, "app=one"), client);
});

test("a Pod that starts before the plugin stands is stopped by its validation, and repaired in place", async (t) => {
  const machine = node(t);
  if (machine === undefined) return;
  const client = await plainClient(t);
  const namespace = await cluster.namespace(t, meshed);
  t.after(bringAgentsBack);
  await sendAgentsAway();
  await writeChain(machine, (plugins) => plugins.filter(({ type }) => type !== "outrigger-cni"));
  await cluster.apply([appPod(namespace, "early")]);
  const stopped = await until(
    "validation that ended with 126",
    async () => {
      const [pod] = await cluster.list<Pod>("v1", "Pod", { namespace });
      const status = pod?.status.initContainerStatuses?.find(({ name }) => name === "istio-validation");
      return [status?.state, status?.lastState].some((state) => state?.terminated?.exitCode === 126) && pod;
    },
    { timeoutMs: 120_000 },
  );
  await bringAgentsBack();
  const repaired = await cluster.readyPod(namespace, "app=early", { timeoutMs: 180_000 });
  assert.equal(repaired.metadata.uid, stopped.metadata.uid, "the same Pod");
  await assertCaptured(repaired, client);
  assert.ok((await eventsOf(repaired)).some((text) => text.startsWith("CaptureRepaired: ")));
});

test("the agents have asked for nothing that they may not do, and may do nothing that they have not asked for", async (t) => {
  const machine = node(t);
  if (machine === undefined) return;
  const settings = installSettings({ cni: { enabled: true } });
  const permissions = [...Object.values(cniClusterPermissions(settings)).flat(), ...cniNamespacePermissions];
  const found = differences(await auditOf(machine, "outrigger-cni", cniName), permissions);
  assert.deepEqual(found, { notGranted: [], unused: [] });
});

test("uninstalled, the node's chain and plugins are what they were, and Pods start", async (t) => {
  const machine = node(t);
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
