import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually, idlePod, skip, type TestSandbox, upSandbox, webYaml } from "./sandbox.ts";

const yaml = `
${webYaml}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: web }
spec:
  replicas: 2
  serviceName: pods
  podManagementPolicy: Parallel
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: node:24-alpine
          args: [/code/web.mjs]
          ports: [{ name: http, containerPort: 8080 }, { name: echo, containerPort: 9090, protocol: UDP }]
          readinessProbe: { httpGet: { path: /ready, port: http }, periodSeconds: 1, failureThreshold: 1 }
          volumeMounts: [{ name: code, mountPath: /code }]
      volumes: [{ name: code, configMap: { name: web } }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec:
  ipFamilyPolicy: PreferDualStack
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: http }, { name: echo, port: 53, targetPort: echo, protocol: UDP }]
---
apiVersion: v1
kind: Service
metadata: { name: pods }
spec: { clusterIP: None, selector: { app: web }, ports: [{ name: http, port: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: sticky }
spec: { selector: { app: web }, sessionAffinity: ClientIP, ports: [{ port: 80, targetPort: 8080 }] }
---
apiVersion: v1
kind: Service
metadata: { name: nobody }
spec: { selector: { app: nobody }, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: alias }
spec: { type: ExternalName, externalName: web.default.svc.cluster.local }
${idlePod("client")}
`;

/** In Python, since a container has a /tmp of its own: the checkout, with its Node.js, may lie in the machine's. */
const udpClient = `
import socket
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(3)
client.sendto(b"?", ("web", 53))
print(client.recv(64).decode())
`;

describe("Services and names in a sandbox", { skip }, () => {
  let sandbox: TestSandbox;

  /** Asks from a Pod, a new connection each time; what answers is the Pod's name, or curl's exit code. */
  async function ask(pod: string, times: number, ...args: string[]): Promise<Set<string>> {
    const script = 'for i in $(seq "$0"); do curl -s -m 5 "$@" || echo "{\\"pod\\":\\"curl ended with $?\\"}"; done';
    const answers = (await sandbox.exec(pod, "sh", "-c", script, String(times), ...args)).split("\n");
    return new Set(answers.map((answer) => (JSON.parse(answer) as { pod: string }).pod));
  }
  const both = new Set(["web-0", "web-1"]);
  const refused = new Set(["curl ended with 7"]);
  const unknown = new Set(["curl ended with 6"]);

  before(async () => {
    sandbox = await upSandbox(yaml, "--ip-families", "ipv4,ipv6");
    assert.equal(sandbox.up.exitCode, 0, sandbox.up.stdout + sandbox.up.stderr);
  });
  after(async () => {
    await sandbox.down();
  });

  it("spreads connections over both Pods, on IPv4 and IPv6", async () => {
    assert.deepEqual(await ask("client", 20, "-4", "http://web/"), both);
    assert.deepEqual(await ask("client", 20, "-6", "http://web/"), both);
  });

  it("keeps a client at one Pod where the Service says so", async () => {
    assert.equal((await ask("client", 10, "http://sticky/")).size, 1);
  });

  it("sends UDP to a Pod too", async () => {
    assert.match(await sandbox.exec("client", "python3", "-c", udpClient), /^web-[01]$/);
  });

  it("knows every form of a name", async () => {
    const hosts = [
      "web",
      "web.default",
      "web.default.svc",
      "web.default.svc.cluster.local",
      "alias",
      "web-1.pods:8080",
    ];
    const answers = await ask("client", 1, ...hosts.map((host) => `http://${host}/`));
    assert.deepEqual(
      [...answers].filter((answer) => !both.has(answer)),
      [],
    );
    assert.deepEqual(await ask("client", 3, "http://web-1.pods:8080/"), new Set(["web-1"]));
  });

  it("gives the addresses of all Pods for a headless Service", async () => {
    const addresses = await sandbox.exec("client", "getent", "ahostsv4", "pods");
    assert.deepEqual(new Set(addresses.match(/10\.244\.\S+/g)), new Set(["10.244.0.2", "10.244.0.3"]));
  });

  it("says no to names that are not there", async () => {
    assert.deepEqual(await ask("client", 1, "http://nothing/"), unknown);
    assert.deepEqual(await ask("client", 1, "http://example.com/"), unknown);
  });

  it("refuses connections to a Service without Pods, and to ports that it has not", async () => {
    for (const url of ["http://nobody/", "http://web:81/", "http://[fd00:10:96::64]:81/"]) {
      assert.deepEqual(await ask("client", 1, url), refused, url);
    }
  });

  it("shows a Pod its client's own address", async () => {
    const answer = await sandbox.exec("client", "curl", "-4", "-s", "http://web/");
    const { pods } = await sandbox.status();
    const ip = pods.find(({ name }) => name === "client")?.ips[0];
    assert.equal((JSON.parse(answer) as { client: string }).client, `::ffff:${ip}`);
  });

  it("lets a Pod reach itself through its Service", async () => {
    assert.deepEqual(await ask("web-0", 20, "-4", "http://web/"), both);
    assert.deepEqual(await ask("web-0", 20, "-6", "http://web/"), both);
  });

  it("takes a Pod that is not ready out, and in again", async () => {
    const endpoints = async () => (await sandbox.status()).services.find(({ name }) => name === "web")?.endpoints;
    await sandbox.exec("web-0", "touch", "/tmp/unready");
    await eventually(async () => (await endpoints()) === 1);
    assert.deepEqual(await ask("client", 10, "http://web/"), new Set(["web-1"]));
    await sandbox.exec("web-0", "rm", "/tmp/unready");
    await eventually(async () => (await endpoints()) === 2);
    assert.deepEqual(await ask("client", 20, "http://web/"), both);
  });
});
