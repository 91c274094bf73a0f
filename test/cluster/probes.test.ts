import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type Cluster, connect } from "./cluster.ts";
import { installed } from "./installed.ts";
import type { Pod } from "./pod.ts";
import { until } from "./waiting.ts";
import { appPod } from "./workload.ts";

// The kubelet's probes tell the application's state, not the sidecar's, though all traffic is captured.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});

const quick = { periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 2 };
const kinds: Readonly<Record<string, object>> = {
  httpGet: { httpGet: { path: "/healthz", port: 8080 } },
  grpc: { grpc: { port: 9001 } },
};

async function appReady(pod: Pod): Promise<boolean | undefined> {
  const found = await cluster.read<Pod>(pod);
  return found?.status.containerStatuses?.find(({ name }) => name === "app")?.ready;
}

async function setHealth(pod: Pod, ok: boolean): Promise<void> {
  const url = `http://127.0.0.1:8080/healthz?ok=${ok}`;
  const result = await cluster.exec(pod, "app", "app", "get", "-method", "POST", url);
  assert.equal(result.exitCode, 0, result.stderr);
}

for (const [kind, probe] of Object.entries(kinds)) {
  test(`a ${kind} readiness probe follows the application down and up again`, async (t) => {
    const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
    await cluster.apply([appPod(namespace, "one", { container: { readinessProbe: { ...probe, ...quick } } })]);
    const pod = await cluster.readyPod(namespace, "app=one");
    await setHealth(pod, false);
    await until("unready application", async () => (await appReady(pod)) === false);
    await setHealth(pod, true);
    await until("ready application", async () => (await appReady(pod)) === true);
  });
}

test("a tcpSocket probe fails where nothing listens, and holds where something does", async (t) => {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  const probe = (port: number) => ({ container: { readinessProbe: { tcpSocket: { port }, ...quick } } });
  await cluster.apply([appPod(namespace, "open", probe(9000)), appPod(namespace, "closed", probe(9999))]);
  await cluster.readyPod(namespace, "app=open");
  const closed = await until("running Pod with a failed probe", async () => {
    const [pod] = await cluster.list<Pod>("v1", "Pod", { namespace, labels: "app=closed" });
    const app = pod?.status.containerStatuses?.find(({ name }) => name === "app");
    return app?.state.running !== undefined && pod;
  });
  const events = await until("event of the failed probe", async () => {
    const found = await cluster.list("v1", "Event", { namespace });
    const unhealthy = found.filter((event) => {
      const { name } = event.involvedObject as { name: string };
      return name === closed.metadata.name && event.reason === "Unhealthy";
    });
    return unhealthy.length > 0 && unhealthy;
  });
  assert.ok(events.length > 0);
  assert.equal(await appReady(closed), false);
});

test("a failing liveness probe restarts the application, and the sidecar stays", async (t) => {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  const livenessProbe = { httpGet: { path: "/healthz", port: 8080 }, ...quick };
  await cluster.apply([appPod(namespace, "one", { container: { livenessProbe } })]);
  const pod = await cluster.readyPod(namespace, "app=one");
  await setHealth(pod, false);
  const restarted = await until("restarted application", async () => {
    const found = await cluster.read<Pod>(pod);
    const app = found?.status.containerStatuses?.find(({ name }) => name === "app");
    return (app?.restartCount ?? 0) >= 1 && app?.ready && found;
  });
  const proxy = restarted.status.initContainerStatuses?.find(({ name }) => name === "istio-proxy");
  assert.equal(proxy?.restartCount, 0);
});

test("exec probes and probes of Pods without a sidecar are left as they are", async (t) => {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  const readinessProbe = { exec: { command: ["true"] }, ...quick };
  await cluster.apply([appPod(namespace, "one", { container: { readinessProbe } })]);
  const pod = await cluster.readyPod(namespace, "app=one");
  const probe = pod.spec.containers[0]?.readinessProbe as { exec: unknown };
  assert.deepEqual(probe.exec, readinessProbe.exec);
});
