import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "../../deploy/cluster/api.ts";
import { findResource } from "../../deploy/cluster/resources.ts";
import { deploymentPod, reviewOf } from "../fixtures/deployment-review.ts";
import { type Cluster, connect } from "./cluster.ts";
import { startLocalWebhook } from "./local-webhook.ts";
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

/** Istio's kind, as far as this needs it. */
const definition: KubernetesObject = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "proxyconfigs.networking.istio.io" },
  spec: {
    group: "networking.istio.io",
    names: { kind: "ProxyConfig", plural: "proxyconfigs", singular: "proxyconfig", listKind: "ProxyConfigList" },
    scope: "Namespaced",
    versions: [
      {
        name: "v1beta1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

test("ProxyConfigs are followed, once their kind exists", async (t) => {
  const namespace = await cluster.namespace(t);
  const existed = await findResource(cluster.api, "networking.istio.io/v1beta1", "ProxyConfig");
  const sidecarIn = await startWebhook(t, "--watch-proxy-configs");
  if (existed === undefined) {
    t.after(() => cluster.delete(definition));
    await cluster.apply([definition]);
  }
  const metadata = { name: "all", namespace };
  const proxyConfig = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "ProxyConfig",
    metadata,
    spec: { concurrency: 3, environmentVariables: { FROM_THE_RESOURCE: "yes" } },
  };
  const path = `/apis/networking.istio.io/v1beta1/namespaces/${namespace}/proxyconfigs`;
  await until("kind that takes objects", () => cluster.api.request({ method: "POST", path, body: proxyConfig }));
  const isSet = async () => {
    const { env } = await sidecarIn(namespace);
    return env.some((each: unknown) => isDeepStrictEqual(each, { name: "FROM_THE_RESOURCE", value: "yes" }));
  };
  await until("sidecar as the resource says", isSet);
  const elsewhere = await sidecarIn("default");
  assert.doesNotMatch(JSON.stringify(elsewhere), /FROM_THE_RESOURCE/);
  await cluster.api.request({ method: "DELETE", path: `${path}/all` });
  await until("sidecar as before", async () => !(await isSet()));
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
