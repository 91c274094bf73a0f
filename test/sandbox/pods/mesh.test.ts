import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { execa } from "execa";
import { enterSandbox } from "../../../sandbox/commands/exec.ts";
import { eventually, idlePod, skip, type TestSandbox, upSandbox, webYaml } from "./sandbox.ts";

const server = (namespace: string) => `
${webYaml.replace("name: web }", `name: web, namespace: ${namespace} }`)}
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: ${namespace}, labels: { app: web } }
spec:
  containers:
    - name: web
      image: node:24-alpine
      args: [/code/web.mjs]
      ports: [{ name: http, containerPort: 8080 }]
      readinessProbe: { httpGet: { path: /ready, port: http }, periodSeconds: 1, failureThreshold: 1 }
      securityContext: { runAsUser: 1000 }
      volumeMounts: [{ name: code, mountPath: /code }]
  volumes: [{ name: code, configMap: { name: web } }]
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: ${namespace} }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: http }] }
`;

const inNamespace = (yaml: string, namespace: string) =>
  yaml.replace("metadata: {", `metadata: { namespace: ${namespace},`);

const yaml = `
apiVersion: v1
kind: Namespace
metadata: { name: mesh, labels: { istio-injection: enabled } }
${server("mesh")}
${server("plain")}
${inNamespace(idlePod("client"), "mesh")}
${inNamespace(idlePod("client"), "plain")}
${inNamespace(idlePod("host"), "mesh").replace("spec:", "spec:\n  hostNetwork: true")}
${inNamespace(idlePod("out"), "mesh").replace("metadata: {", 'metadata: { labels: { sidecar.istio.io/inject: "false" },')}
---
apiVersion: v1
kind: Pod
metadata: { name: wrong, namespace: mesh, annotations: { traffic.sidecar.istio.io/excludeOutboundPorts: "all of them" } }
spec: { containers: [{ name: main, image: any, command: [sleep, infinity] }] }
`;

describe("injected Pods in a sandbox", { skip }, () => {
  let sandbox: TestSandbox;
  const place = (namespace: string, pod: string) => `${namespace}/${pod}`;
  const curl = (from: string, url: string) =>
    sandbox.exec(from, "curl", "-s", "-m", "5", "-H", "x-request-id: it", url);
  const proxyLog = async (pod: string) => await sandbox.logs(pod, "-c", "istio-proxy");

  before(async () => {
    sandbox = await upSandbox(yaml);
  });
  after(async () => {
    await sandbox.down();
  });

  it("injects by the webhook's decision, and tells the rule", async () => {
    const decisions = (await sandbox.status()).pods.map(({ namespace, name, injection }) => [
      place(namespace, name),
      injection?.injected === true,
      injection?.rule,
    ]);
    assert.deepEqual(decisions, [
      ["mesh/web", true, "policy"],
      ["plain/web", false, "not-called"],
      ["mesh/client", true, "policy"],
      ["plain/client", false, "not-called"],
      ["mesh/host", false, "host-network"],
      ["mesh/out", false, "not-called"],
      ["mesh/wrong", false, "denied"],
    ]);
  });

  it("stops a Pod that the webhook denies, with the webhook's words", async () => {
    const wrong = await sandbox.pod("wrong");
    assert.equal(wrong.status, "Denied");
    assert.match(wrong.explanations.join(), /denied the request: .*excludeOutboundPorts.*all of them/s);
    assert.equal(sandbox.up.exitCode, 1);
  });

  it("has run istio-init to its end, and runs istio-proxy as 1337 without a capability", async () => {
    const { containers, ready } = await sandbox.pod("mesh/web");
    const init = containers.find(({ name }) => name === "istio-init")?.state;
    assert.deepEqual([init?.state, init?.state === "terminated" && init.exitCode], ["terminated", 0]);
    assert.deepEqual(ready, { count: 2, of: 2 });
    const proxy = { pod: "mesh/web", container: "istio-proxy" };
    const { stdout } = await sandbox.execIn(proxy, "cat", "/proc/1/status", "/proc/1/comm");
    assert.match(stdout, /Uid:\s+1337\s+1337/);
    assert.match(stdout, /CapBnd:\s+0000000000000000/);
    assert.match(stdout, /^envoy$/m);
  });

  it("captures a request on both sides", async () => {
    assert.equal((JSON.parse(await curl("mesh/client", "http://web/both")) as { pod: string }).pod, "web");
    await eventually(async () => /"GET \/both .* PassthroughCluster /.test(await proxyLog("mesh/client")));
    await eventually(async () => /"GET \/both .* InboundPassthroughCluster /.test(await proxyLog("mesh/web")));
  });

  it("captures what comes from outside of the mesh, and what goes there", async () => {
    await curl("plain/client", "http://web.mesh/from-outside");
    await eventually(async () => /"GET \/from-outside .* InboundPassthroughCluster /.test(await proxyLog("mesh/web")));
    await curl("mesh/client", "http://web.plain/to-outside");
    await eventually(async () => /"GET \/to-outside .* PassthroughCluster /.test(await proxyLog("mesh/client")));
  });

  it("leaves other Pods without rules", async () => {
    const rules = async (pod: string) =>
      (await sandbox.execIn({ pod, privileged: true }, "nft", "list", "ruleset")).stdout;
    assert.match(await rules("mesh/web"), /ISTIO_INBOUND/);
    for (const pod of ["plain/web", "mesh/out"]) assert.doesNotMatch(await rules(pod), /ISTIO/);
  });

  it("asks the application's own probe through the sidecar", async () => {
    await sandbox.exec("mesh/web", "touch", "/tmp/unready");
    await eventually(async () => !(await sandbox.pod("mesh/web")).isReady);
    await sandbox.exec("mesh/web", "rm", "/tmp/unready");
    await eventually(async () => (await sandbox.pod("mesh/web")).isReady);
  });
});

describe("a sandbox whose webhook is gone", { skip }, () => {
  it("denies the Pods that it would have to see, and no others", async () => {
    // Ordered: the second Pod is created when the first is ready, and by then the webhook is killed.
    const ordered = `
apiVersion: v1
kind: Namespace
metadata: { name: mesh, labels: { istio-injection: enabled } }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: db, namespace: mesh }
spec:
  replicas: 2
  serviceName: db
  selector: { matchLabels: { app: db } }
  template:
    metadata: { labels: { app: db }, annotations: { traffic.sidecar.istio.io/includeInboundPorts: "" } }
    spec:
      containers:
        - name: main
          image: any
          command: [sleep, infinity]
          readinessProbe: { exec: { command: [test, -e, /tmp/go] }, periodSeconds: 1 }
`;
    const sandbox = await upSandbox(ordered, "--wait-timeout", "1");
    try {
      const webhook = await eventually(async () => (await sandbox.status()).webhook);
      await eventually(async () => (await sandbox.execIn({ pod: "db-0" }, "true")).exitCode === 0);
      const [file = "", ...args] = enterSandbox(sandbox.name, ["kill", "-KILL", String(webhook.pid)]);
      await execa(file, args);
      await sandbox.exec("db-0", "touch", "/tmp/go");
      const denied = await eventually(async () => {
        const pod = await sandbox.pod("db-1");
        return pod.status === "Denied" && pod;
      });
      assert.match(denied.explanations.join(), /failed calling webhook "namespace\.sidecar-injector\.istio\.io": /);
    } finally {
      await sandbox.down();
    }
  });
});
