import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Cluster, connect } from "./cluster.ts";
import { type CniOfCluster, cniOf, meshed, smallProxy } from "./cni-node.ts";
import { installed, systemNamespace } from "./installed.ts";
import { containerNames, isReady, type Pod } from "./pod.ts";
import { readyPods } from "./ready-pods.ts";
import { get } from "./traffic.ts";
import { until } from "./waiting.ts";
import { appDeployment, appPod, appService } from "./workload.ts";

// The node writes the rules: real Pods through kubelet, containerd and the chained plugin.

let cluster: Cluster;
let cni: CniOfCluster;
before(async () => {
  cluster = await connect();
  cni = cniOf(cluster);
  await installed(cluster, { cni: { enabled: true } });
});
after(() => installed(cluster));

const harmless = {
  spec: { securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } } },
  container: { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } },
};

test("in a namespace with restricted Pod Security a meshed Pod runs, and its traffic is captured", async (t) => {
  const client = await cni.plainClient(t);
  const restricted = { ...meshed, "pod-security.kubernetes.io/enforce": "restricted" };
  const namespace = await cluster.namespace(t, restricted);
  await cluster.apply([appPod(namespace, "one", harmless), appService(namespace, "one")]);
  const pod = await cluster.readyPod(namespace, "app=one");
  assert.ok(!containerNames(pod).includes("istio-init"), String(containerNames(pod)));
  assert.ok(containerNames(pod).includes("istio-validation"), String(containerNames(pod)));
  await cni.assertCaptured(pod, client);
});

test("a Pod with interception mode NONE starts, and nothing of it is captured", async (t) => {
  const client = await cni.plainClient(t);
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
  const wait = { timeoutMs: 400_000, intervalMs: 1_000 };
  const ready = await readyPods(cluster, { namespace, labels: "app=many", count: 50, ...wait });
  t.diagnostic(`50 Pods were ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
  for (const pod of ready) assert.ok(!containerNames(pod).includes("istio-init"));
});

const lanes = 3;

/** Makes meshed Pods in lanes, each when the one before has its network, until `work` has ended. Returns their names. */
async function whilePodsCome(namespace: string, work: () => Promise<void>): Promise<string[]> {
  const names: string[] = [];
  let running = true;
  const lane = async () => {
    while (running) {
      const name = `churn-${names.length}`;
      names.push(name);
      const [pod] = await cluster.apply([appPod(namespace, name, { annotations: smallProxy })]);
      if (pod !== undefined)
        await until(`network of ${name}`, async () => (await cluster.read<Pod>(pod))?.status.podIP);
    }
  };
  const churn = Promise.all(Array.from({ length: lanes }, lane));
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
  const old = (await cni.agents()).map(({ metadata }) => metadata.name);
  const names = await whilePodsCome(namespace, async () => {
    await cni.patchDaemonSet({
      metadata: { annotations: { "test.outrigger.dev/restarted": new Date().toISOString() } },
    });
    await until("new agents alone", async () => {
      const now = await cni.agents();
      return now.length > 0 && now.every((pod) => !old.includes(pod.metadata.name) && isReady(pod));
    });
  });
  t.diagnostic(`${names.length} Pods were made meanwhile`);
  for (const name of names) {
    const pod = await cluster.readyPod(namespace, `app=${name}`);
    assert.deepEqual(
      (await cni.eventsOf(pod)).filter((text) => text.startsWith("FailedCreatePodSandBox")),
      [],
    );
  }
});

test("when an installation without the node agent is there, no Pod relies on the agent any more", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  t.after(() => installed(cluster, { cni: { enabled: true } }));
  await installed(cluster);
  const labels = "app=outrigger-webhook,istio.io/rev=default";
  const replicas = await cluster.list<Pod>("v1", "Pod", { namespace: systemNamespace, labels });
  const ending = replicas.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  assert.deepEqual(
    ending.map(({ metadata }) => metadata.name),
    [],
  );
  // Several at once: the API server keeps more than one connection to the webhook's replicas.
  const sample = (name: string) => cluster.create<Pod>(appPod(namespace, name, { annotations: smallProxy }));
  for (let round = 0; round < 5; round += 1) {
    const made = await Promise.all(Array.from({ length: 5 }, (_, index) => sample(`sample-${round}-${index}`)));
    for (const { object } of made) {
      assert.ok(containerNames(object).includes("istio-init"), String(containerNames(object)));
    }
  }
});
