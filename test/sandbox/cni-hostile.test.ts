import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { meshedPod } from "./cni/meshed-pod.ts";
import { unfitForCni } from "./cni/node.ts";
import { pluginProgram } from "./cni/programs.ts";
import { rules, withAgent } from "./cni/with-agent.ts";

// Input that no runtime and no plugin would give, to the plugin's executable and to the real agent's socket.

const skip = unfitForCni();

const valid = JSON.stringify({
  cniVersion: "1.0.0",
  name: "pods",
  type: "outrigger-cni",
  run_directory: "/nonexistent",
  agent_patience_ms: 0,
  exclude_namespaces: ["kube-system"],
  runtimeConfig: { "io.kubernetes.cri.pod-annotations": { "sidecar.istio.io/status": "{}" } },
  prevResult: { cniVersion: "1.0.0", ips: [{ address: "10.0.0.5/24" }] },
});

/** A text with parts cut out, doubled, or replaced by any bytes. */
function mutated(original: string): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat({ max: original.length }),
    length: fc.nat({ max: 40 }),
    bytes: fc.uint8Array({ maxLength: 20 }),
  });
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) =>
      changes.reduce(
        (before, { at, length, bytes }) => Buffer.concat([before.subarray(0, at), bytes, before.subarray(at + length)]),
        Buffer.from(original),
      ),
    );
}

const anyInput = (original: string) =>
  fc.oneof(mutated(original), fc.uint8Array({ maxLength: 300 }).map(Buffer.from), fc.json().map(Buffer.from));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(environment: Record<string, string>) {
  const child = spawn(pluginProgram(), { env: environment, stdio: "pipe" });
  child.stdin.on("error", () => undefined);
  const closed = once(child, "close") as Promise<[number | null]>;
  const ended = async (): Promise<Ended> => {
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    return { code, stdout, stderr };
  };
  return { child, ended: ended() };
}

function assertCniError(stdout: string): void {
  const { cniVersion, code, msg } = JSON.parse(stdout) as { cniVersion: string; code: number; msg: string };
  assert.match(cniVersion, /^(0\.3\.1|0\.4\.0|1\.0\.0|1\.1\.0)$/);
  assert.ok(Number.isInteger(code) && msg !== "", stdout);
}

const shopPod = "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web";
/** Input that never ends. It is waited for in the last test, since the plugin gives it ten seconds. */
const endless = start({ CNI_COMMAND: "ADD", CNI_ARGS: shopPod });
endless.child.stdin.write(valid.slice(0, 50));

test("property: whatever the plugin is given, it answers in the specification's form or lets the Pod pass", async () => {
  const word = fc.string({ maxLength: 30 }).map((value) => value.replaceAll("\0", ""));
  const environment = fc.record({
    CNI_COMMAND: fc.oneof({ weight: 8, arbitrary: fc.constantFrom("ADD", "CHECK", "GC", "STATUS", "VERSION") }, word),
    CNI_CONTAINERID: fc.oneof(fc.constant("c1"), word),
    CNI_NETNS: fc.oneof(fc.constant("/var/run/netns/none"), word),
    CNI_IFNAME: fc.oneof(fc.constant("eth0"), word),
    CNI_ARGS: fc.oneof(fc.constant(shopPod), fc.constant("K8S_POD_NAMESPACE=kube-system;K8S_POD_NAME=dns"), word),
  });
  await fc.assert(
    fc.asyncProperty(environment, anyInput(valid), async (env, input) => {
      const { child, ended } = start(env);
      child.stdin.end(input);
      const { code, stdout, stderr } = await ended;
      assert.equal(stderr, "");
      assert.ok(code === 0 || code === 1, `exit code ${code}`);
      if (code === 1) assertCniError(stdout);
    }),
    { numRuns: 120 },
  );
});

const request = (pod: string) =>
  JSON.stringify({
    protocol: 1,
    command: "ADD",
    containerId: "c1",
    netns: "/var/run/netns/none",
    ifname: "eth0",
    args: `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${pod};K8S_POD_UID=uid-${pod}`,
    config: valid,
  });

const queueIsFull = "EAGAIN";
const retryMs = 10;

/** Connects as often as it takes: of a thousand at once not all find room in the socket's queue. */
async function open(folder: string): Promise<Socket> {
  const socket = connect({ path: join(folder, "run", "agent.sock"), allowHalfOpen: true });
  // Connections over the limit end with an error, at any time.
  const failure = new Promise<string | undefined>((resolve) => {
    socket.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code));
    socket.once("connect", () => resolve(undefined)).once("close", () => resolve(undefined));
  });
  if ((await failure) !== queueIsFull) return socket;
  await sleep(retryMs);
  return open(folder);
}

async function exchange(folder: string, input: Buffer): Promise<string> {
  const socket = await open(folder);
  socket.end(input);
  return text(socket).catch(() => "");
}

test("property: whatever comes over the agent's socket is answered, refused with a reason, and none of it is a defect", {
  skip,
}, async (t) => {
  const { node, agent } = await withAgent(t);
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  await fc.assert(
    fc.asyncProperty(anyInput(request("web-0")), async (input) => {
      const answer = await exchange(node.folder, input);
      const { ok, error } = JSON.parse(answer) as { ok: boolean; error: { code: number; msg: string } };
      // A changed request may name a Pod that gets no rules; its namespace is none's.
      assert.ok(ok || (error.code !== 199 && error.msg !== ""), answer);
    }),
    { numRuns: 300 },
  );
  const sandbox = node.sandbox();
  await node.call("ADD", sandbox, pod);
  assert.ok(rules(sandbox.run("iptables-save")).length > 10);
  await agent.stop();
  assert.deepEqual(
    agent.lines.filter(({ code }) => code === "UNEXPECTED"),
    [],
  );
});

function residentMegabytes(pid: number | undefined): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1_000;
}

test("thousands of silent connections and endless requests are cut off, and Pods still start", { skip }, async (t) => {
  const { node, agent } = await withAgent(t, {}, "--plugin-patience-seconds", "120");
  const pod = meshedPod("web-0");
  node.api.setPod(pod);
  const sockets = await Promise.all(Array.from({ length: 3_000 }, () => open(node.folder)));
  const flood = Buffer.alloc(1 << 20, "[");
  const flooding = sockets.slice(0, 20).map(async (socket) => {
    while (socket.writable && socket.write(flood)) await new Promise((resolve) => setImmediate(resolve));
  });
  const sandbox = node.sandbox();
  await node.call("ADD", sandbox, pod);
  assert.ok(rules(sandbox.run("iptables-save")).length > 10);
  assert.ok(residentMegabytes(agent.process.pid) < 400, "memory is bounded");
  for (const socket of sockets) socket.destroy();
  await Promise.all(flooding);
});

test("input of the plugin that never ends is an error in the specification's form", async () => {
  const { code, stdout } = await endless.ended;
  assert.equal(code, 1);
  assertCniError(stdout);
  assert.match(stdout, /it did not end within 10 s/);
});
