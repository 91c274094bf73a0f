import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type Cluster, connect } from "./cluster.ts";
import { appImage } from "./images.ts";
import { until } from "./waiting.ts";

// What every other spec takes for granted of the cluster and of the way to talk to it.

let cluster: Cluster;
before(async () => {
  cluster = await connect();
});

const application = (name: string, namespace: string) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: ${namespace}, labels: { app: ${name} } }
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - { name: app, image: "${appImage}", args: [serve] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { app: ${name} }
  ports: [{ port: 80, targetPort: 8080 }]
`;

test("Pods run, and reach each other by a Service's name", async (t) => {
  const namespace = await cluster.namespace(t);
  await cluster.apply(application("one", namespace) + application("two", namespace).replace(/^\n/, "\n---\n"));
  await cluster.readyPod(namespace, "app=one");
  const client = await cluster.readyPod(namespace, "app=two");

  const answer = await until("answer", async () => {
    const result = await cluster.exec(client, "app", "app", "get", "http://one/hello");
    return result.exitCode === 0 && (JSON.parse(result.stdout) as { status: number; body: string });
  });
  assert.equal(answer.status, 200);
  assert.match(answer.body, /"host":"one","method":"GET","path":"\/hello"/);
});

test("exec tells the exit code and both outputs apart, and logs are read", async (t) => {
  const namespace = await cluster.namespace(t);
  const command = "echo started; exec app serve";
  await cluster.apply(application("one", namespace).replace("args: [serve]", `command: [sh, -c, "${command}"]`));
  const pod = await cluster.readyPod(namespace, "app=one");
  const result = await cluster.exec(pod, "app", "sh", "-c", "echo out; echo err >&2; exit 3");
  assert.deepEqual(result, { stdout: "out\n", stderr: "err\n", exitCode: 3 });
  assert.equal(await cluster.logs(pod, "app"), "started\n");
});

test("apply refuses a field that the API server does not know", async (t) => {
  const namespace = await cluster.namespace(t);
  const misspelt = application("one", namespace).replace("containers:", "containters:");
  await assert.rejects(cluster.apply(misspelt), /containters/);
});

test("a Pod reaches the API server by its Service", async (t) => {
  const namespace = await cluster.namespace(t);
  await cluster.apply(application("one", namespace));
  const pod = await cluster.readyPod(namespace, "app=one");
  const address = "https://kubernetes.default.svc.cluster.local/healthz";
  const result = await cluster.exec(pod, "app", "app", "get", address);
  // The image does not know the cluster's authority: reaching the server is enough here.
  assert.match(result.stderr, /certificate signed by unknown authority/);
});
