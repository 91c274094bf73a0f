import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { decideUnread } from "../../cni/decide.ts";
import type { NetworkConfiguration } from "../../cni/network-configuration.ts";
import { podIdentity } from "../../cni/pod-identity.ts";
import { config, pod, prevResult, run, sandbox } from "./cni/plugin.ts";

// The plugin's executable and what answers it: an agent of the test's, one that means harm, or none.

function agentSaying(t: TestContext, answer: string | undefined): { folder: string; requests: unknown[] } {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-plugin-"));
  const requests: unknown[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, async (socket) => {
    requests.push(JSON.parse(await text(socket)));
    socket.end(answer ?? "");
  });
  server.listen(join(folder, "agent.sock"));
  t.after(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });
  return { folder, requests };
}

test("what the agent decides is asked for with all that it needs, and its error is printed as it is", async (t) => {
  const error = { code: 100, msg: "a bad annotation", details: "mend it" };
  const { folder, requests } = agentSaying(t, JSON.stringify({ ok: false, error }));
  const stdin = config({ run_directory: folder });
  const { code, stdout } = await run("ADD", stdin, pod("shop", "web"));
  assert.equal(code, 1);
  assert.deepEqual(JSON.parse(stdout), { cniVersion: "1.0.0", ...error });
  assert.deepEqual(requests, [
    {
      protocol: 1,
      command: "ADD",
      containerId: "c1",
      netns: "/var/run/netns/none",
      ifname: "eth0",
      args: "IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web",
      config: stdin,
    },
  ]);
});

test("an agent that is content lets the Pod start", async (t) => {
  const { folder } = agentSaying(t, '{"ok":true}');
  const { code, stdout } = await run("ADD", config({ run_directory: folder }), pod("shop", "web"));
  assert.deepEqual({ code, stdout }, { code: 0, stdout: `${prevResult}\n` });
});

for (const [what, answer] of [
  ["nothing", undefined],
  ["no JSON", "hello"],
  ["neither yes nor no", "{}"],
] as const) {
  test(`an agent that answers ${what} is asked again, and then the Pod is refused`, async (t) => {
    const { folder, requests } = agentSaying(t, answer);
    const { code, stdout } = await run("ADD", config({ run_directory: folder }), pod("shop", "web"));
    assert.equal(code, 1);
    const document = JSON.parse(stdout) as { code: number; msg: string };
    assert.equal(document.code, 11);
    assert.match(document.msg, /did not answer/);
    assert.ok(requests.length > 3);
  });
}

const notRoot = process.getuid?.() === 0 ? false : "needs root";

test("a listener that runs as another user is not believed", { skip: notRoot }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "outrigger-plugin-"));
  t.after(() => rmSync(folder, { recursive: true }));
  execFileSync("chown", ["65534", folder]);
  const script = `require("net").createServer({allowHalfOpen:true},s=>s.on("error",()=>0).end('{"ok":true}')).listen(process.argv[1],()=>console.log("up"))`;
  const args = ["--reuid=65534", "--clear-groups", process.execPath, "-e", script, join(folder, "agent.sock")];
  const impostor = spawn("setpriv", args, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => impostor.kill("SIGKILL"));
  await new Promise((resolve) => impostor.stdout.once("data", resolve));
  const { code, stdout } = await run("ADD", config({ run_directory: folder }), pod("shop", "web"));
  assert.equal(code, 1);
  assert.match(JSON.parse(stdout).details, /it runs as user 65534, not as 0/);
});

test("property: the plugin lets a Pod pass alone exactly when the agent's rules would before reading it", async (t) => {
  const { folder } = agentSaying(t, JSON.stringify({ ok: false, error: { code: 199, msg: "asked" } }));
  const name = fc.constantFrom("web", "outrigger-cni-x", "outrigger-cni", "kube-system", "");
  const namespace = fc.constantFrom("shop", "kube-system", "outrigger-cni", "");
  const pair = fc.oneof(
    namespace.map((value) => `K8S_POD_NAMESPACE=${value}`),
    name.map((value) => `K8S_POD_NAME=${value}`),
    fc.constantFrom("IgnoreUnknown=1", "K8S_POD_UID=u", "", "=", "K8S_POD_NAME"),
  );
  const annotations = fc.option(
    fc.dictionary(fc.constantFrom("sidecar.istio.io/status", "other"), fc.constantFrom("", "x")),
    { nil: undefined },
  );
  const given = fc.record({
    args: fc.array(pair, { maxLength: 5 }).map((pairs) => pairs.join(";")),
    annotations,
    excluded: fc.subarray(["kube-system", "shop", "x"]),
    agent: fc.option(fc.constant({ namespace: "outrigger-cni", pod_prefix: "outrigger-cni-" }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ args, annotations, excluded, agent }) => {
      const parts = {
        exclude_namespaces: excluded,
        runtimeConfig: annotations === undefined ? {} : { "io.kubernetes.cri.pod-annotations": annotations },
        ...(agent !== undefined && { agent }),
      };
      const configuration: NetworkConfiguration = { cniVersion: "1.0.0", native_nftables: false, ...parts };
      const passes = decideUnread(podIdentity(args), configuration) !== undefined;
      const { code } = await run("ADD", config({ ...parts, run_directory: folder }), { ...sandbox, CNI_ARGS: args });
      assert.equal(code === 0, passes, args);
    }),
    { numRuns: 150 },
  );
});
