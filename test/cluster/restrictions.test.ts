import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type Cluster, connect } from "./cluster.ts";
import { installed } from "./installed.ts";
import { containerNames, type Pod } from "./pod.ts";
import { appPod } from "./workload.ts";

// What namespaces restrict holds for the sidecar too, and where the two cannot go together the refusal says why.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
  await installed(cluster);
});

const meshed = { "istio-injection": "enabled" };

test("a ResourceQuota that demands requests and limits is met by the sidecar's own", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  const hard = { "requests.cpu": "2", "requests.memory": "2Gi", "limits.cpu": "4", "limits.memory": "3Gi" };
  await cluster.apply([
    { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "all", namespace }, spec: { hard } },
  ]);
  const amounts = { cpu: "50m", memory: "32Mi" };
  await cluster.apply([appPod(namespace, "one", { container: { resources: { requests: amounts, limits: amounts } } })]);
  const pod = await cluster.readyPod(namespace, "app=one");
  assert.ok(containerNames(pod).includes("istio-proxy"));
});

test("a LimitRange fills in what the application leaves out, and not over the sidecar's", async (t) => {
  const namespace = await cluster.namespace(t, meshed);
  const limits = [
    { type: "Container", default: { cpu: "500m", memory: "64Mi" }, defaultRequest: { cpu: "10m", memory: "16Mi" } },
  ];
  await cluster.apply([
    { apiVersion: "v1", kind: "LimitRange", metadata: { name: "defaults", namespace }, spec: { limits } },
  ]);
  await cluster.apply([appPod(namespace, "one")]);
  const pod = await cluster.readyPod(namespace, "app=one");
  const memoryLimit = (name: string) => {
    const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const container = all.find((each) => each.name === name);
    const resources = container?.resources as { limits?: { memory?: string } } | undefined;
    return resources?.limits?.memory;
  };
  assert.equal(memoryLimit("app"), "64Mi");
  assert.notEqual(memoryLimit("istio-proxy"), "64Mi");
});

const restricted = { ...meshed, "pod-security.kubernetes.io/enforce": "restricted" };
const harmless = {
  spec: { securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } } },
  container: { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } },
};

test("restricted Pod Security refuses istio-init's capabilities, by name, and nothing else of the sidecar", async (t) => {
  const namespace = await cluster.namespace(t, restricted);
  await assert.rejects(cluster.create(appPod(namespace, "one", harmless)), (error: Error) => {
    assert.match(error.message, /container "istio-init" must not include "NET_ADMIN", "NET_RAW"/);
    assert.doesNotMatch(error.message, /istio-proxy/);
    return true;
  });
});

test("in a restricted namespace a Pod can opt out, or be injected without capture", async (t) => {
  const namespace = await cluster.namespace(t, restricted);
  const optedOut = { ...harmless, labels: { "sidecar.istio.io/inject": "false" } };
  await cluster.create(appPod(namespace, "opted-out", optedOut));
  const uncaptured = { ...harmless, annotations: { "sidecar.istio.io/interceptionMode": "NONE" } };
  await cluster.apply([appPod(namespace, "uncaptured", uncaptured)]);
  const pod: Pod = await cluster.readyPod(namespace, "app=uncaptured");
  assert.deepEqual(containerNames(pod), ["istio-proxy", "app"]);
});
