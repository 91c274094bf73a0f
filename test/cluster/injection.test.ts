import assert from "node:assert/strict";
import { before, test } from "node:test";
import { webhookPorts } from "../../deploy/manifests/names.ts";
import { type Cluster, connect } from "./cluster.ts";
import { installed, systemNamespace } from "./installed.ts";
import { containerNames, type Pod } from "./pod.ts";
import { accessLogged, get, requestSeen } from "./traffic.ts";
import { until } from "./waiting.ts";
import { appDeployment, appPod, appService } from "./workload.ts";

// The main job: a labelled namespace's Pods get their sidecar and answer through it; nobody else's do.

const injected = ["istio-init", "istio-proxy", "app"];
let cluster: Cluster;

before(async () => {
  cluster = await connect();
  await installed(cluster);
});

test("Pods of a labelled namespace get both containers, run, and answer through Envoy", async (t) => {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  await cluster.apply([
    appDeployment(namespace, "server", { replicas: 2 }),
    appService(namespace, "server"),
    appPod(namespace, "client"),
  ]);
  const server = await cluster.readyPod(namespace, "app=server");
  const client = await cluster.readyPod(namespace, "app=client");
  assert.deepEqual(containerNames(server), injected);
  assert.deepEqual(containerNames(client), injected);

  const answer = await get(cluster, client, `http://server.${namespace}/through`);
  // Each Envoy leaves its mark: the server's on the request, both on their access logs.
  assert.ok(requestSeen(answer).headers["X-Request-Id"] !== undefined, JSON.stringify(requestSeen(answer)));
  await accessLogged(cluster, client, /"GET \/through HTTP\/1\.1" 200/);
  const [peer] = (await cluster.list<typeof server>("v1", "Pod", { namespace, labels: "app=server" })).filter(
    ({ metadata }) => metadata.name === requestSeen(answer).host,
  );
  assert.ok(peer !== undefined);
  await accessLogged(cluster, peer, /"GET \/through HTTP\/1\.1" 200/);
});

/** How many Pods the webhook's replicas have given the answer of an earlier one. */
async function repeatedAnswers(): Promise<number> {
  const webhooks = await cluster.list<Pod>("v1", "Pod", {
    namespace: systemNamespace,
    labels: "app=outrigger-webhook",
  });
  const counts = webhooks.map(async ({ metadata: { name } }) => {
    const path = `/api/v1/namespaces/${systemNamespace}/pods/https:${name}:${webhookPorts.container}/proxy/metrics`;
    const metrics = await cluster.api.text({ path });
    return Number(/^outrigger_webhook_repeated_answers_total (\d+)$/m.exec(metrics)?.[1]);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}

test("what the API server sends of one Deployment's Pods is known as alike, and they get one answer", async (t) => {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  const before = await repeatedAnswers();
  await cluster.apply([appDeployment(namespace, "many", { replicas: 8, spec: { schedulerName: "nobody" } })]);
  const pods = await until("eight Pods", async () => {
    const all = await cluster.list<Pod>("v1", "Pod", { namespace });
    return all.length === 8 && all;
  });
  for (const pod of pods) assert.deepEqual(containerNames(pod), injected);
  // Each of two replicas works out the first two that it is asked about.
  const repeated = (await repeatedAnswers()) - before;
  assert.ok(repeated >= 4, `${repeated} of 8`);
});

test("TCP that is not HTTP passes both sidecars unchanged", async (t) => {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  await cluster.apply([appPod(namespace, "server"), appService(namespace, "server"), appPod(namespace, "client")]);
  const server = await cluster.readyPod(namespace, "app=server");
  const client = await cluster.readyPod(namespace, "app=client");
  // Until the Service's address leads to the Pod, connections to it are refused.
  await until("echo over TCP", async () => {
    const result = await cluster.exec(client, "app", "app", "echo", `server.${namespace}:9000`, "unchanged");
    if (result.exitCode !== 0) throw new Error(result.stderr);
    return result.stdout === "unchanged\n";
  });
  await accessLogged(cluster, server, /"- - -" 0 .*:9000/);
});

const notInjected: readonly {
  readonly name: string;
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly options: Parameters<typeof appPod>[2];
}[] = [
  { name: "in a namespace without labels", namespaceLabels: {}, options: {} },
  {
    name: "in a namespace with istio-injection=disabled",
    namespaceLabels: { "istio-injection": "disabled" },
    options: {},
  },
  {
    name: "that is opted out by label",
    namespaceLabels: { "istio-injection": "enabled" },
    options: { labels: { "sidecar.istio.io/inject": "false" } },
  },
  {
    name: "that is opted out by annotation",
    namespaceLabels: { "istio-injection": "enabled" },
    options: { annotations: { "sidecar.istio.io/inject": "false" } },
  },
  {
    name: "on the host's network",
    namespaceLabels: { "istio-injection": "enabled" },
    options: {
      spec: { hostNetwork: true },
      container: { args: ["serve", "-http", "28080", "-tcp", "29000", "-grpc", "29001"], ports: [] },
    },
  },
];

for (const { name, namespaceLabels, options } of notInjected) {
  test(`a Pod ${name} is left alone and runs`, async (t) => {
    const namespace = await cluster.namespace(t, namespaceLabels);
    await cluster.apply([appPod(namespace, "plain", options)]);
    const pod = await cluster.readyPod(namespace, "app=plain");
    assert.deepEqual(containerNames(pod), ["app"]);
    assert.equal(pod.metadata.annotations?.["sidecar.istio.io/status"], undefined);
  });
}

test("a Pod can opt in where its namespace says nothing", async (t) => {
  const namespace = await cluster.namespace(t);
  await cluster.apply([appPod(namespace, "one", { labels: { "sidecar.istio.io/inject": "true" } })]);
  const pod = await cluster.readyPod(namespace, "app=one");
  assert.deepEqual(containerNames(pod), injected);
});

test("meshed and unmeshed Pods reach each other", async (t) => {
  const meshed = await cluster.namespace(t, { "istio-injection": "enabled" });
  const plain = await cluster.namespace(t);
  for (const namespace of [meshed, plain]) {
    await cluster.apply([appPod(namespace, "one"), appService(namespace, "one")]);
  }
  const inside = await cluster.readyPod(meshed, "app=one");
  const outside = await cluster.readyPod(plain, "app=one");
  await get(cluster, outside, `http://one.${meshed}/in`);
  await get(cluster, inside, `http://one.${plain}/out`);
  await accessLogged(cluster, inside, /"GET \/in HTTP\/1\.1" 200/);
  await accessLogged(cluster, inside, /"GET \/out HTTP\/1\.1" 200/);
});

test("only istio-init has capabilities, and the sidecar is not root", async (t) => {
  const namespace = await cluster.namespace(t, { "istio-injection": "enabled" });
  const { object: pod } = await cluster.create<Awaited<ReturnType<Cluster["readyPod"]>>>(appPod(namespace, "one"));
  const container = (name: string) => pod.spec.initContainers?.find((each) => each.name === name);
  const security = (name: string) => container(name)?.securityContext as Record<string, unknown>;
  assert.deepEqual(security("istio-init").capabilities, { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] });
  assert.deepEqual(security("istio-proxy").capabilities, { drop: ["ALL"] });
  assert.equal(security("istio-proxy").runAsNonRoot, true);
  assert.equal(security("istio-proxy").readOnlyRootFilesystem, true);
});
