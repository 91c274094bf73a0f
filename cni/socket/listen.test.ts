import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm, stat, symlink } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { OutriggerError } from "../../mesh/errors.ts";
import { longestRequestBytes, type PluginRequest } from "../plugin-request.ts";
import type { PluginAnswer } from "./answer.ts";
import { type Listening, listen, socketName } from "./listen.ts";
import { type Handle, serveConnection } from "./serve.ts";

async function runDirectory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "outrigger-run-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

interface Agent extends Listening {
  readonly refused: unknown[];
}

async function agent(t: TestContext, path: string, handle: Handle): Promise<Agent> {
  const refused: unknown[] = [];
  const listening = await listen(path, (socket) =>
    serveConnection(socket, { handle, refused: (error) => refused.push(error) }),
  );
  t.after(() => listening.close().catch(() => undefined));
  return { ...listening, refused };
}

/** Sends bytes as the plugin does and returns what comes back. */
async function exchange(path: string, request: string | Buffer): Promise<PluginAnswer> {
  const socket = connect({ path: join(path, socketName), allowHalfOpen: true });
  await once(socket, "connect");
  // An agent that has refused a long request already does not read the rest.
  socket.on("error", () => undefined);
  socket.end(request);
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(socket, "close");
  return JSON.parse(text) as PluginAnswer;
}

function request(changes: Record<string, unknown> = {}, config: Record<string, unknown> = {}): string {
  return JSON.stringify({
    protocol: 1,
    command: "ADD",
    containerId: "0123456789abcdef",
    netns: "/var/run/netns/cni-1",
    ifname: "eth0",
    args: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0;K8S_POD_UID=u-1",
    config: JSON.stringify({ cniVersion: "1.0.0", prevResult: { ips: [{ address: "10.0.0.5/24" }] }, ...config }),
    ...changes,
  });
}

test("a request is read, handled and answered", async (t) => {
  const path = await runDirectory(t);
  const seen: PluginRequest[] = [];
  await agent(t, path, async (one) => void seen.push(one));
  assert.deepEqual(await exchange(path, request()), { ok: true });
  assert.deepEqual(seen[0]?.pod, { namespace: "shop", name: "web-0", uid: "u-1" });
  assert.equal(seen[0]?.configuration.prevResult?.ips[0]?.address, "10.0.0.5/24");
});

test("an error of the work is answered in CNI's form, with its remedy", async (t) => {
  const path = await runDirectory(t);
  await agent(t, path, async () => {
    const problem = { field: "iptables-restore", message: "is not installed", remedy: "install it" };
    throw new OutriggerError("APPLY_FAILED", [problem]);
  });
  const error = { code: 101, msg: "iptables-restore is not installed", details: "install it" };
  assert.deepEqual(await exchange(path, request()), { ok: false, error });
});

test("a defect of ours is answered without its text", async (t) => {
  const path = await runDirectory(t);
  await agent(t, path, async () => {
    throw new TypeError("secret");
  });
  const answer = await exchange(path, request());
  assert.ok(!answer.ok && answer.error.code === 199 && !JSON.stringify(answer).includes("secret"));
});

const hostile: [string, string | Buffer, RegExp][] = [
  ["nothing", "", /the request is not JSON/],
  ["no JSON", "\0\u{fffd}{{{", /the request is not JSON/],
  ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00]), /the request is not JSON/],
  ["JSON of another kind", "[]", /must be|missing/],
  ["an unknown protocol", request({ protocol: 2 }), /protocol "2" must be 1: plugin and agent/],
  ["an unknown command", request({ command: "DEL" }), /command "DEL" must be ADD or CHECK/],
  ["an unknown field", request({ uid: 0 }), /uid is not a known field/],
  [
    "a container that is a path",
    request({ containerId: "../../etc" }),
    /containerId .* is not a container's identifier/,
  ],
  ["a relative namespace", request({ netns: "proc/1/ns/net" }), /netns .* is not an absolute path/],
  ["a namespace with a NUL", request({ netns: "/run/netns/a\0b" }), /netns .* is not an absolute path/],
  ["an interface with a space", request({ ifname: "eth0 -j" }), /ifname .* is not an interface's name/],
  ["a configuration that is no JSON", request({ config: "{" }), /the network configuration is not JSON/],
  ["a version that nobody speaks", request({}, { cniVersion: "9.9.9" }), /cniVersion "9.9.9" must be one of/],
  ["addresses of another form", request({}, { prevResult: { ips: "10.0.0.5" } }), /prevResult.ips/],
  ["deep nesting", `${"[".repeat(200_000)}${"]".repeat(200_000)}`, /./],
];
for (const [what, bytes, message] of hostile) {
  test(`refused with a reason: ${what}`, async (t) => {
    const path = await runDirectory(t);
    const { refused } = await agent(t, path, () => assert.fail("handled"));
    const answer = await exchange(path, bytes);
    assert.ok(!answer.ok);
    assert.match(answer.error.msg, message);
    assert.equal(refused.length, 1);
  });
}

test("a request without end is cut off and answered", async (t) => {
  const path = await runDirectory(t);
  await agent(t, path, () => assert.fail("handled"));
  const answer = await exchange(path, Buffer.alloc(longestRequestBytes + 1, 0x20));
  assert.ok(!answer.ok);
  assert.match(answer.error.msg, /the request is longer than/);
});

test("after hostile requests the next good one is served", async (t) => {
  const path = await runDirectory(t);
  await agent(t, path, async () => undefined);
  await Promise.all(hostile.map(([, bytes]) => exchange(path, bytes)));
  assert.deepEqual(await exchange(path, request()), { ok: true });
});

test("only its user can reach the socket", async (t) => {
  const path = join(await runDirectory(t), "made");
  await agent(t, path, async () => undefined);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.equal((await stat(join(path, socketName))).mode & 0o777, 0o600);
});

test("a folder that others could enter is closed, and a link is refused", async (t) => {
  const path = await runDirectory(t);
  const link = `${path}-link`;
  await symlink(path, link);
  t.after(() => rm(link));
  await assert.rejects(
    agent(t, link, async () => undefined),
    /is not a folder/,
  );
  await chmod(path, 0o755);
  await agent(t, path, async () => undefined);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
});

test("a newer agent takes the socket over without a gap, and the older one leaves it alone", async (t) => {
  const path = await runDirectory(t);
  const older = await agent(t, path, async () => {
    throw new Error("the older one was asked");
  });
  const newer = await agent(t, path, async () => undefined);
  assert.equal(await older.isCurrent(), false);
  assert.equal(await newer.isCurrent(), true);
  await older.close();
  assert.deepEqual(await exchange(path, request()), { ok: true });
  await newer.close();
  assert.deepEqual(await readdir(path), []);
});

test("closing waits for what is in work", async (t) => {
  const path = await runDirectory(t);
  const work = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const one = await agent(t, path, () => {
    started.resolve();
    return work.promise;
  });
  const answer = exchange(path, request());
  await started.promise;
  const closed = one.close();
  work.resolve();
  assert.deepEqual(await answer, { ok: true });
  await closed;
});
