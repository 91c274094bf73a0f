import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ApiError, type KubernetesObject } from "../../deploy/cluster/api.ts";
import { labels } from "../../mesh/names.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import { containerNames, type Pod } from "./pod.ts";
import { until } from "./waiting.ts";
import { appDeployment, appPod } from "./workload.ts";

// The webhook is gone: everybody's Pods start, except where a sidecar is required.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});
after(() => setReplicas(2));

const deployment: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "outrigger-webhook", namespace: systemNamespace },
};

/** No replicas also switch the autoscaler off, until there are some again. */
async function setReplicas(replicas: number): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/outrigger-webhook/scale`;
  const body = { spec: { replicas } };
  await cluster.api.request({ method: "PATCH", path, body, contentType: "application/merge-patch+json" });
  await until(`${replicas} replicas of the webhook`, async () => {
    const found = await cluster.read(deployment);
    const { readyReplicas = 0, replicas: all = 0 } = (found?.status ?? {}) as {
      readyReplicas?: number;
      replicas?: number;
    };
    return readyReplicas === replicas && all === replicas;
  });
  const pods = () => cluster.list<Pod>("v1", "Pod", { namespace: systemNamespace, labels: "app=outrigger-webhook" });
  await until("no more Pods than that", async () => (await pods()).length === replicas);
}

test("with the webhook down, a required sidecar is insisted on and everybody else starts", async (t) => {
  const required = await cluster.namespace(t, { "istio-injection": "enabled", [labels.sidecar]: "required" });
  const lenient = await cluster.namespace(t, { "istio-injection": "enabled" });
  await setReplicas(0);

  await cluster.apply([appPod(lenient, "open")]);
  const open = await cluster.readyPod(lenient, "app=open");
  assert.deepEqual(containerNames(open), ["app"], "it fails open");

  await assert.rejects(cluster.create(appPod(required, "closed")), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 403);
    assert.match(error.message, /demands a sidecar .*outrigger explain pod/s);
    return true;
  });
  // Who is spared by the webhook is spared by the policy too.
  await cluster.create(appPod(required, "opted-out", { labels: { "sidecar.istio.io/inject": "false" } }));

  await cluster.apply([appDeployment(required, "later")]);
  await until("refusal in the ReplicaSet's events", async () => {
    const events = await cluster.list("v1", "Event", { namespace: required });
    return events.some(({ reason, message }) => reason === "FailedCreate" && /demands a sidecar/.test(String(message)));
  });
  await setReplicas(2);
  const later = await cluster.readyPod(required, "app=later");
  assert.ok(containerNames(later).includes("istio-proxy"));
});

test("with the webhook up, Pods of such a namespace just get their sidecar", async (t) => {
  const required = await cluster.namespace(t, { "istio-injection": "enabled", [labels.sidecar]: "required" });
  const { object } = await cluster.create<Pod>(appPod(required, "one"));
  assert.ok(containerNames(object).includes("istio-proxy"));
});

test("a namespace that requires a sidecar and asks for none is told so", async (t) => {
  const contradictory = await cluster.namespace(t, { [labels.sidecar]: "required" });
  await assert.rejects(cluster.create(appPod(contradictory, "one")), /demands a sidecar/);
});
