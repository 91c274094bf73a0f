import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventually, idlePod, outrigger, skip, type TestSandbox, upSandbox, webYaml } from "./sandbox.ts";

const yaml = `
${webYaml}
---
apiVersion: v1
kind: Secret
metadata: { name: door }
stringData: { code: "1234" }
---
apiVersion: v1
kind: Pod
metadata: { name: locked, labels: { app: locked } }
spec:
  securityContext: { runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000 }
  containers:
    - name: main
      image: any
      command: [sh, -c, "echo started as $(id -u) >/dev/stdout; exec sleep infinity"]
      env: [{ name: WHERE, valueFrom: { fieldRef: { fieldPath: status.podIP } } }, { name: GREETING, value: "at $(WHERE)" }]
      securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } }
      volumeMounts:
        - { name: code, mountPath: /code }
        - { name: door, mountPath: /door }
        - { name: facts, mountPath: /facts }
        - { name: scratch, mountPath: /scratch }
        - { name: scratch, mountPath: /part, subPath: inner }
        - { name: code, mountPath: /scratch/file.mjs, subPath: web.mjs }
  volumes:
    - { name: code, configMap: { name: web } }
    - { name: door, secret: { secretName: door, defaultMode: 0400 } }
    - { name: facts, downwardAPI: { items: [{ path: labels, fieldRef: { fieldPath: metadata.labels } }] } }
    - { name: scratch, emptyDir: {} }
---
apiVersion: v1
kind: Pod
metadata: { name: order }
spec:
  initContainers:
    - { name: one, image: any, command: [sh, -c, "echo one >>/shared/log"], volumeMounts: [{ name: shared, mountPath: /shared }] }
    - name: helper
      image: any
      restartPolicy: Always
      command: [sh, -c, "trap 'echo helper ends >>/shared/log; exit 0' TERM; sleep 1; echo helper >>/shared/log; while :; do sleep 0.1; done"]
      startupProbe: { exec: { command: [grep, helper, /shared/log] }, periodSeconds: 1 }
      volumeMounts: [{ name: shared, mountPath: /shared }]
    - { name: two, image: any, command: [sh, -c, "echo two >>/shared/log"], volumeMounts: [{ name: shared, mountPath: /shared }] }
  containers:
    - { name: main, image: any, command: [sh, -c, "echo main >>/shared/log; exec sleep infinity"], volumeMounts: [{ name: shared, mountPath: /shared }] }
  volumes: [{ name: shared, emptyDir: {} }]
---
apiVersion: v1
kind: Pod
metadata: { name: web }
spec:
  containers:
    - name: web
      image: node:24-alpine
      args: [/code/web.mjs]
      volumeMounts: [{ name: code, mountPath: /code }]
      livenessProbe: { exec: { command: [sh, -c, "! test -e /tmp/dead"] }, periodSeconds: 1, failureThreshold: 1 }
  volumes: [{ name: code, configMap: { name: web } }]
---
apiVersion: v1
kind: Pod
metadata: { name: unknown }
spec:
  containers: [{ name: app, image: registry.example/app:1, ports: [{ containerPort: 8080 }] }]
---
apiVersion: batch/v1
kind: Job
metadata: { name: count }
spec:
  completions: 2
  template:
    spec:
      restartPolicy: Never
      initContainers: [{ name: helper, image: any, restartPolicy: Always, command: [sleep, infinity] }]
      containers: [{ name: main, image: any, command: [sh, -c, "echo counted"] }]
${idlePod("client")}
`;

describe("containers in a sandbox", { skip }, () => {
  let sandbox: TestSandbox;

  before(async () => {
    sandbox = await upSandbox(yaml);
    assert.equal(sandbox.up.exitCode, 0, sandbox.up.stdout + sandbox.up.stderr);
  });
  after(async () => {
    await sandbox.down();
  });

  it("runs a container as its user, with its groups and without capabilities", async () => {
    assert.match(await sandbox.exec("locked", "id"), /^uid=1000\S* gid=2000\S* groups=2000\S*,3000/);
    const status = await sandbox.exec("locked", "cat", "/proc/self/status");
    assert.match(status, /CapBnd:\s+0000000000000000/);
    assert.match(status, /NoNewPrivs:\s+1/);
    assert.match(await sandbox.logs("locked"), /^started as 1000$/m);
  });

  it("keeps its root read-only, and its volumes as the Pod says", async () => {
    const script = `
      touch /x /tmp/x /code/x 2>&1 | grep -c 'Read-only'
      echo hello >/part/x && cat /scratch/inner/x
      cat /facts/labels; echo
      stat -c '%a %g' /door/code /scratch
      head -c 6 /scratch/file.mjs`;
    assert.deepEqual((await sandbox.exec("locked", "sh", "-c", script)).split("\n"), [
      "3",
      "hello",
      'app="locked"',
      "440 3000",
      "2777 3000",
      "import",
    ]);
  });

  it("gives the environment, with fields of the Pod in it", async () => {
    const { ips } = await sandbox.pod("locked");
    assert.match(await sandbox.exec("locked", "env"), new RegExp(`^GREETING=at ${ips[0]}$`, "m"));
  });

  it("leaves the machine's own files as they are", async () => {
    await sandbox.exec("client", "sh", "-c", "echo changed >/etc/outrigger-sandbox-test; rm -f /etc/passwd");
    assert.equal((await sandbox.execIn({ pod: "client" }, "test", "-e", "/etc/passwd")).exitCode, 1);
    assert.equal((await sandbox.execIn({ pod: "web" }, "test", "-e", "/etc/passwd")).exitCode, 0);
    assert.equal((await sandbox.execIn({ pod: "web" }, "test", "-e", "/etc/outrigger-sandbox-test")).exitCode, 1);
  });

  it("sees the processes of one container only, the program first", async () => {
    assert.equal(await sandbox.exec("client", "cat", "/proc/1/comm"), "sleep");
    const seen = (await sandbox.exec("client", "sh", "-c", "cat /proc/[0-9]*/comm")).split("\n");
    assert.deepEqual(
      seen.filter((program) => !/^(sleep|sh|cat)$/.test(program)),
      [],
    );
  });

  it("runs init containers in order, each sidecar started before the next", async () => {
    assert.equal(await sandbox.exec("order", "cat", "/shared/log"), "one\nhelper\ntwo\nmain");
  });

  it("passes exec's standard input, exit code and user through the command", async () => {
    const { name } = sandbox;
    const copied = await outrigger(["exec", "--name", name, "-i", "client", "--", "cat"], "through");
    assert.equal(copied.stdout, "through");
    const failed = await outrigger(["exec", "--name", name, "client", "-c", "main", "--", "sh", "-c", "exit 9"]);
    assert.equal(failed.exitCode, 9);
    const whole = await outrigger(["exec", "--name", name, "--privileged", "locked", "--", "id", "-u"]);
    assert.equal(whole.stdout, "0");
    const nobody = await outrigger(["exec", "--name", name, "nobody", "--", "true"]);
    assert.match(nobody.stderr, /Pod "nobody" is not in the sandbox; choose one of: .*default\/client/);
  });

  it("restarts what crashes and what is no longer alive, and keeps the log of the time before", async () => {
    await sandbox
      .exec("client", "curl", "-s", "-m", "5", `http://${(await sandbox.pod("web")).ips[0]}:8080/crash`)
      .catch(() => "");
    await eventually(async () => (await sandbox.pod("web")).restarts === 1 && (await sandbox.pod("web")).isReady);
    await sandbox.exec("web", "touch", "/tmp/dead");
    await eventually(async () => (await sandbox.pod("web")).restarts === 2 && (await sandbox.pod("web")).isReady);
    assert.equal(await sandbox.logs("web", "--previous"), "serves\nends");
    assert.equal(await sandbox.logs("web", "--tail", "1"), "serves");
  });

  it("lets an echo server stand in for an image, and says so", async () => {
    const { ips, standIns } = await sandbox.pod("unknown");
    assert.deepEqual(standIns, ["app"]);
    assert.match(sandbox.up.stdout, /image "registry\.example\/app:1" cannot be pulled: an echo server stands in/);
    const answer = await sandbox.exec("client", "curl", "-s", `http://${ips[0]}:8080/a?b`);
    assert.equal((JSON.parse(answer) as { url: string }).url, "/a?b");
  });

  it("ends a Job's Pods when their work is done, sidecar or not", async () => {
    const { pods } = await sandbox.status();
    const own = pods.filter(({ workload }) => workload === "Job/count");
    assert.deepEqual(
      own.map(({ status }) => status),
      ["Completed", "Completed"],
    );
  });

  it("prints a table for people", async () => {
    const { stdout } = await outrigger(["ps", "--name", sandbox.name]);
    assert.match(stdout, /^default {4}client +1\/1 +Running +0 +10\.244\.0\.\d+ +\d+[sm] +no: not called$/m);
    assert.match(stdout, /default\/unknown: an echo server stands in for container app/);
  });
});
