import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { deploymentPod, reviewOf } from "../fixtures/deployment-review.ts";
import { type Cluster, connect } from "./cluster.ts";
import { startLocalWebhook } from "./local-webhook.ts";
import { proxyConfig, proxyConfigKind } from "./proxy-config-kind.ts";
import { until } from "./waiting.ts";

// What the webhook knows of the cluster beyond the request, followed in a real API server.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
});

async function startWebhook(t: TestContext, ...flags: string[]) {
  const { post } = await startLocalWebhook(t, ["--profile", "istio", ...flags]);
  /** The sidecar that a Pod in this namespace gets. */
  return async (namespace: string) => {
    const pod = { ...deploymentPod, metadata: { ...deploymentPod.metadata, namespace } };
    const { body } = await post(JSON.stringify(reviewOf(pod)));
    const answered = JSON.parse(body).response;
    assert.ok(answered?.patch, body);
    const operations = JSON.parse(Buffer.from(answered.patch, "base64").toString());
    const containers = operations.flatMap(({ value }: { value: unknown }) => value);
    return containers.find((each: { name?: string } | undefined) => each?.name === "istio-proxy");
  };
}

test("ProxyConfigs are followed, once their kind exists", async (t) => {
  const namespace = await cluster.namespace(t);
  const sidecarIn = await startWebhook(t, "--watch-proxy-configs");
  await proxyConfigKind(cluster, t);
  const resource = proxyConfig(namespace, { environmentVariables: { FROM_THE_RESOURCE: "yes" } });
  await cluster.apply([resource]);
  const isSet = async (where: string) => {
    const { env } = await sidecarIn(where);
    return env.some((each: unknown) => isDeepStrictEqual(each, { name: "FROM_THE_RESOURCE", value: "yes" }));
  };
  await until("sidecar as the resource says", () => isSet(namespace));
  assert.equal(await isSet("default"), false);
  await cluster.delete(resource);
  await until("sidecar as before", async () => !(await isSet(namespace)));
});

test("on OpenShift, the sidecar's ids are of the range that is reserved for its namespace", async (t) => {
  const namespace = await cluster.namespace(t);
  const sidecarIn = await startWebhook(t, "--platform", "openshift", "--watch-nodes");
  const ids = async () => {
    const { runAsUser, runAsGroup } = (await sidecarIn(namespace)).securityContext;
    return [runAsUser, runAsGroup];
  };
  assert.deepEqual(await ids(), [1337, 1337]);
  const annotations = { "openshift.io/sa.scc.uid-range": "1000620000/10000" };
  await cluster.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, annotations } }]);
  await until("ids of the range", async () => isDeepStrictEqual(await ids(), [1000629999, 1000629999]));
});
