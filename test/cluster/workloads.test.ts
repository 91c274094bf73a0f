import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed } from "./installed.ts";
import { containerNames, type Pod } from "./pod.ts";
import { accessLogged, endpointReady, get } from "./traffic.ts";
import { until } from "./waiting.ts";
import { appContainer, appPod, appService, appSpec } from "./workload.ts";

// Every kind of workload goes its way with a sidecar.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});

const meshed = { "istio-injection": "enabled" };

/** A Job's Pod template: one request through the sidecar, then the end. */
function fetchOnce(url: string) {
  const spec = { ...appSpec({ container: { args: ["get", url] } }), restartPolicy: "Never" };
  return { metadata: { labels: { app: "fetch" } }, spec };
}

async function finished(namespace: string, name: string): Promise<KubernetesObject> {
  const job = { apiVersion: "batch/v1", kind: "Job", metadata: { name, namespace } };
  return until(`completed Job ${name}`, async () => {
    const found = await cluster.read(job);
    const { succeeded, failed } = (found?.status ?? {}) as { succeeded?: number; failed?: number };
    if ((failed ?? 0) > 0) throw new Error(`${failed} Pods of the Job failed`);
    return succeeded === 1 && found;
  });
}

test("a Job ends with its application, after a request through the sidecar", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "server"), appService(namespace, "server")]);
  const server = await cluster.readyPod(namespace, "app=server");
  await endpointReady(cluster, namespace, "server");
  const template = fetchOnce(`http://server.${namespace}/from-a-job`);
  await cluster.apply([
    { apiVersion: "batch/v1", kind: "Job", metadata: { name: "fetch", namespace }, spec: { template } },
  ]);
  await finished(namespace, "fetch");
  await accessLogged(cluster, server, /"GET \/from-a-job HTTP\/1\.1" 200/);
  const [pod] = await cluster.list<Pod>("v1", "Pod", { namespace, labels: "app=fetch" });
  assert.ok(pod !== undefined);
  assert.deepEqual(containerNames(pod), ["istio-init", "istio-proxy", "app"]);
  await until("ended Pod", async () => {
    const found = await cluster.read<Pod>(pod);
    return found?.status.phase === "Succeeded";
  });
});

test("a CronJob's Job ends too", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([appPod(namespace, "server"), appService(namespace, "server")]);
  await cluster.readyPod(namespace, "app=server");
  await endpointReady(cluster, namespace, "server");
  const jobTemplate = { spec: { template: fetchOnce(`http://server.${namespace}/from-a-cron-job`) } };
  const cronJob: KubernetesObject = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "fetch", namespace },
    spec: { schedule: "* * * * *", suspend: true, jobTemplate },
  };
  const [created] = await cluster.apply([cronJob]);
  // As `kubectl create job --from=cronjob/fetch` does: waiting for the next full minute would show no more.
  const owner = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    name: "fetch",
    uid: created?.metadata.uid,
    controller: true,
  };
  const metadata = {
    name: "fetch-29000000",
    namespace,
    annotations: { "cronjob.kubernetes.io/instantiate": "manual" },
    ownerReferences: [owner],
  };
  await cluster.create({ apiVersion: "batch/v1", kind: "Job", metadata, ...jobTemplate });
  await finished(namespace, "fetch-29000000");
  const [pod] = await cluster.list<Pod>("v1", "Pod", { namespace, labels: "app=fetch" });
  assert.equal(pod?.metadata.labels?.["service.istio.io/canonical-name"], "fetch");
});

test("a StatefulSet's Pods keep their names and find each other", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  const headless = { clusterIP: "None", selector: { app: "peer" }, ports: [{ name: "http", port: 8080 }] };
  await cluster.apply([
    { apiVersion: "v1", kind: "Service", metadata: { name: "peer", namespace }, spec: headless },
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "peer", namespace },
      spec: {
        serviceName: "peer",
        replicas: 2,
        selector: { matchLabels: { app: "peer" } },
        template: { metadata: { labels: { app: "peer" } }, spec: appSpec() },
      },
    },
  ]);
  const first = await cluster.readyPod(namespace, "statefulset.kubernetes.io/pod-name=peer-0");
  await cluster.readyPod(namespace, "statefulset.kubernetes.io/pod-name=peer-1");
  const answer = await get(cluster, first, `http://peer-1.peer.${namespace}.svc.cluster.local:8080/`);
  assert.match(answer.body, /"host":"peer-1"/);
});

test("a DaemonSet's Pods are injected on every node", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  await cluster.apply([
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "agent", namespace },
      spec: {
        selector: { matchLabels: { app: "agent" } },
        template: { metadata: { labels: { app: "agent" } }, spec: appSpec() },
      },
    },
  ]);
  const pod = await cluster.readyPod(namespace, "app=agent");
  assert.deepEqual(containerNames(pod), ["istio-init", "istio-proxy", "app"]);
});

test("a failing istio-init keeps the application from starting", async (t) => {
  // The application's image has no `outrigger`: the container that should write the rules fails.
  await installed(cluster, { revision: "broken", images: { init: appContainer().image } });
  t.after(() => removeRevision("broken"));
  const namespace = await cluster.namespace(t, { "istio.io/rev": "broken" });
  await cluster.apply([appPod(namespace, "one")]);
  const pod = await until("failed istio-init", async () => {
    const [found] = await cluster.list<Pod>("v1", "Pod", { namespace, labels: "app=one" });
    const init = found?.status.initContainerStatuses?.find(({ name }) => name === "istio-init");
    return (init?.restartCount ?? 0) >= 1 && found;
  });
  for (const status of pod.status.containerStatuses ?? []) {
    assert.equal(status.state.running, undefined, `${status.name} runs`);
  }
  assert.equal(pod.status.phase, "Pending");
});

async function removeRevision(revision: string): Promise<void> {
  const { uninstall } = await import("../../deploy/install/uninstall.ts");
  await uninstall(cluster.api, { namespace: "outrigger-system", revision, report: () => {}, timeoutMs: 120_000 });
}
