import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { ApiError, type KubernetesObject } from "../../deploy/cluster/api.ts";
import { readObject } from "../../deploy/cluster/apply.ts";
import { waitUntilInjecting } from "../../deploy/install/injecting.ts";
import { rolloutPending } from "../../deploy/install/wait.ts";
import { authorityLeaseName, authoritySecretName } from "../../deploy/manifests/names.ts";
import { installSettings } from "../../deploy/settings.ts";
import { labels } from "../../mesh/names.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import { containerNames, isReady, type Pod } from "./pod.ts";
import { type PodStream, streamPods } from "./pod-stream.ts";
import { until } from "./waiting.ts";
import { appDeployment } from "./workload.ts";

// Pods are made all the time while parts of the webhook, or what it stands on, go away and come back.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});

const deployment: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "outrigger-webhook", namespace: systemNamespace },
};

async function patchDeployment(patch: unknown): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/outrigger-webhook`;
  await cluster.api.request({ method: "PATCH", path, body: patch, contentType: "application/merge-patch+json" });
}

function rolledOut(): Promise<boolean> {
  return until(
    "finished rollout",
    async () => {
      const found = await readObject(cluster.api, deployment);
      return found !== undefined && rolloutPending(found, 2) === undefined;
    },
    { timeoutMs: 180_000 },
  );
}

/** At least this many more Pods, so that what happens meanwhile is really covered. */
async function more(stream: PodStream, count: number): Promise<void> {
  const target = stream.created() + count;
  await until(`${count} more Pods`, async () => stream.created() >= target);
}

async function streamed(t: TestContext, extra: Readonly<Record<string, string>> = {}) {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled", ...extra });
  const stream = streamPods(cluster, namespace);
  t.after(() => stream.stop());
  await more(stream, 5);
  return stream;
}

function assertNothingLost({ created, failed, missed }: Awaited<ReturnType<PodStream["stop"]>>, t: TestContext): void {
  t.diagnostic(`${created} Pods were made meanwhile`);
  assert.deepEqual(failed, []);
  assert.deepEqual(missed, []);
}

function restarts({ status }: Pod): number {
  return status.containerStatuses?.[0]?.restartCount ?? 0;
}

function webhookPods(): Promise<Pod[]> {
  return cluster.list<Pod>("v1", "Pod", { namespace: systemNamespace, labels: "app=outrigger-webhook" });
}

test("a rolling restart loses no Pod", async (t) => {
  const stream = await streamed(t);
  const before = (await webhookPods()).map(({ metadata }) => metadata.name);
  const restartedAt = new Date().toISOString();
  await patchDeployment({
    spec: { template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": restartedAt } } } },
  });
  await rolledOut();
  await until("all new Pods", async () =>
    (await webhookPods()).every(({ metadata }) => !before.includes(metadata.name)),
  );
  await more(stream, 20);
  assertNothingLost(await stream.stop(), t);
});

test("the death of the leader, and then of the other replica, loses no Pod", async (t) => {
  const stream = await streamed(t);
  const lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: authorityLeaseName, namespace: systemNamespace },
  };
  const holder = ((await cluster.read(lease))?.spec as { holderIdentity?: string } | undefined)?.holderIdentity ?? "";
  const pods = await webhookPods();
  const leader = pods.find(({ metadata }) => holder.includes(metadata.name)) ?? pods[0];
  const others = pods.filter((pod) => pod !== leader);
  for (const pod of [leader, ...others]) {
    assert.ok(pod !== undefined);
    await cluster.delete(pod);
    await until("two ready replicas, and that one gone", async () => {
      const now = await webhookPods();
      return now.filter(isReady).length >= 2 && now.every(({ metadata }) => metadata.name !== pod.metadata.name);
    });
  }
  await more(stream, 20);
  assertNothingLost(await stream.stop(), t);
});

/** Periods in which a whole rotation fits into a test. */
const quickRotation = ["--authority-lifetime=45s", "--authority-overlap=10s", "--certificate-lifetime=10s"];

interface Workload extends KubernetesObject {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { args: string[] }[] } } };
}

/** Starts the webhook with other arguments and no authority, as on its first day. */
async function startAnew(args: readonly string[]): Promise<void> {
  const scale = (replicas: number) => patchDeployment({ spec: { replicas } });
  await scale(0);
  await until("no replica", async () => (await webhookPods()).length === 0);
  const metadata = { name: authoritySecretName, namespace: systemNamespace };
  await cluster.delete({ apiVersion: "v1", kind: "Secret", metadata });
  const path = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/outrigger-webhook`;
  const body = [{ op: "replace", path: "/spec/template/spec/containers/0/args", value: args }];
  await cluster.api.request({ method: "PATCH", path, body, contentType: "application/json-patch+json" });
  await scale(2);
  await rolledOut();
}

/** What the API server trusts: its first registration's caBundle, as PEM. */
async function trusted(): Promise<string> {
  const live = await cluster.read({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "outrigger-sidecar-injector" },
  });
  const [first] = (live?.webhooks ?? []) as { clientConfig: { caBundle: string } }[];
  return Buffer.from(first?.clientConfig.caBundle ?? "", "base64").toString();
}

test("rotations of the webhook's own authority and certificates lose no Pod", async (t) => {
  const found = await cluster.read<Workload>(deployment);
  const args = found?.spec.template.spec.containers[0]?.args ?? [];
  t.after(() => startAnew(args).then(() => installed(cluster)));
  const atFirst = await trusted();
  await startAnew([...args, ...quickRotation]);
  await until("trust in the new authority", async () => (await trusted()) !== atFirst);
  // Written is not known yet: the API server goes on with the authority that is gone for a moment.
  await waitUntilInjecting(cluster.api, installSettings({}), { report: () => {}, timeoutMs: 120_000 });

  const stream = await streamed(t);
  let last = await trusted();
  for (const rotation of ["first", "second"]) {
    const isRotated = async () => {
      const now = await trusted();
      return now !== last && now.split("BEGIN CERTIFICATE").length === 3 && now;
    };
    // Two are trusted while the new one does not sign yet.
    last = await until(`${rotation} rotation`, isRotated, { timeoutMs: 180_000 });
  }
  await more(stream, 20);
  assertNothingLost(await stream.stop(), t);
});

test("a replica that is killed outright costs a demanding namespace no sidecar", async (t) => {
  const { machine } = cluster;
  if (machine === undefined) return t.skip("only the test machine can kill a container's process");
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled", [labels.sidecar]: "required" });
  const [victim] = await webhookPods();
  assert.ok(victim !== undefined);
  const pids = await machine.containerProcesses(victim.metadata.name);
  assert.ok(pids.length > 0);
  await cluster.apply([appDeployment(namespace, "many", { replicas: 8 })]);
  await machine.run("kill", "-KILL", ...pids);
  const pods = await until(
    "eight Pods",
    async () => {
      const all = await cluster.list<Pod>("v1", "Pod", { namespace, labels: "app=many" });
      return all.length === 8 && all;
    },
    { timeoutMs: 180_000 },
  );
  for (const pod of pods) assert.ok(containerNames(pod).includes("istio-proxy"), pod.metadata.name);
  // The eight may be quicker than the kubelet, which sees only later that the replica died.
  const isBack = (pod: Pod) =>
    pod.metadata.name === victim.metadata.name && restarts(pod) > restarts(victim) && isReady(pod);
  await until("the killed replica, back again", async () => (await webhookPods()).some(isBack), { timeoutMs: 180_000 });
  await rolledOut();
});

test("a restart of the API server loses no sidecar", async (t) => {
  const { machine } = cluster;
  if (machine === undefined) return t.skip("only the test machine can restart the API server");
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  const stream = streamPods(cluster, namespace, (error) => !(error instanceof ApiError) || error.status >= 500);
  t.after(() => stream.stop());
  await more(stream, 5);
  // A crash: with SIGTERM it would wait for its watchers for a minute.
  await machine.program("kill", "kube-apiserver");
  await machine.program("start", "kube-apiserver");
  await until("answering API server", async () => (await cluster.list("v1", "Namespace")).length > 0);
  await more(stream, 50);
  assertNothingLost(await stream.stop(), t);
  await until("ready replicas", async () => (await webhookPods()).filter(isReady).length >= 2);
});
