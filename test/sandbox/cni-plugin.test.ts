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
import { pluginProgram } from "./cni/programs.ts";

// The plugin's executable alone, as a runtime runs it: what it prints, its exit codes, what it does without an agent.

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
}

async function run(command: string, stdin: string | Buffer, env: Record<string, string> = {}): Promise<Answer> {
  const environment = { CNI_COMMAND: command, ...env };
  const child = spawn(pluginProgram(), { env: environment, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const stdout = await text(child.stdout);
  return { code: await ended, stdout };
}

const prevResult = '{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.5/24"}],"odd":1.0,"big":12345678901234567890}';

function config(extra: Record<string, unknown> = {}, cniVersion = "1.0.0"): string {
  const text = JSON.stringify({
    cniVersion,
    name: "pods",
    type: "outrigger-cni",
    run_directory: "/nonexistent",
    agent_patience_ms: 300,
    ...extra,
  });
  return `${text.slice(0, -1)},"prevResult":${prevResult}}`;
}

const sandbox = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/var/run/netns/none",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};
const pod = (namespace: string, name: string) => ({
  ...sandbox,
  CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name}`,
});
const system = { exclude_namespaces: ["kube-system"] };

test("the executable is static and its source is formatted and vetted", () => {
  const go = execFileSync(join(import.meta.dirname, "../../tools/go.sh"), { encoding: "utf8" }).trim();
  const source = join(import.meta.dirname, "../../cni/plugin");
  assert.equal(execFileSync(join(go, "../gofmt"), ["-l", source], { encoding: "utf8" }), "");
  execFileSync(go, ["vet", "./..."], { cwd: source, stdio: ["ignore", "inherit", "inherit"] });
  const program = execFileSync("head", ["--bytes=4096", pluginProgram()]);
  assert.doesNotMatch(program.toString("latin1"), /ld-linux|ld-musl/, "no interpreter");
});

test("VERSION answers in the caller's version", async () => {
  const { code, stdout } = await run("VERSION", '{"cniVersion":"0.4.0"}');
  assert.equal(code, 0);
  const supportedVersions = ["0.3.1", "0.4.0", "1.0.0", "1.1.0"];
  assert.deepEqual(JSON.parse(stdout), { cniVersion: "0.4.0", supportedVersions });
});

test("DEL always succeeds and prints nothing, whatever it is given", async () => {
  for (const stdin of ["", "{", config(), '{"cniVersion":"9.9.9"}']) {
    assert.deepEqual(await run("DEL", stdin), { code: 0, stdout: "" });
    assert.deepEqual(await run("DEL", stdin, pod("shop", "web")), { code: 0, stdout: "" });
  }
});

test("STATUS and GC succeed without an agent: a node that says otherwise would start no Pod, its agent included", async () => {
  const empty = { CNI_CONTAINERID: "", CNI_IFNAME: "", CNI_NETNS: "", CNI_ARGS: "" };
  for (const command of ["STATUS", "GC"]) {
    assert.deepEqual(await run(command, config({}, "1.1.0"), empty), { code: 0, stdout: "" });
    const old = await run(command, config({}, "1.0.0"), empty);
    assert.equal(old.code, 1);
    assert.equal(JSON.parse(old.stdout).code, 1);
  }
});

test("prevResult is passed on byte for byte", async () => {
  const { code, stdout } = await run("ADD", config(system), pod("kube-system", "dns"));
  assert.equal(code, 0);
  assert.equal(stdout, `${prevResult}\n`);
});

test("without a prevResult, as a meta plugin calls it, the result is empty but valid", async () => {
  const bare = JSON.stringify({ cniVersion: "0.3.1", ...system });
  assert.deepEqual(await run("ADD", bare, pod("kube-system", "dns")), { code: 0, stdout: '{"cniVersion":"0.3.1"}\n' });
});

test("CHECK of a Pod without rules prints nothing", async () => {
  assert.deepEqual(await run("CHECK", config(system), pod("kube-system", "dns")), { code: 0, stdout: "" });
});

interface Wrong {
  readonly what: string;
  readonly command?: string;
  readonly stdin?: string | Buffer;
  readonly env?: Record<string, string>;
  readonly code: number;
  readonly msg: RegExp;
}

const wrong: readonly Wrong[] = [
  { what: "no command", command: "", code: 4, msg: /CNI_COMMAND "" is not one of/ },
  { what: "an unknown command", command: "add", code: 4, msg: /CNI_COMMAND "add" is not one of/ },
  { what: "no container", env: { CNI_CONTAINERID: "" }, code: 4, msg: /CNI_CONTAINERID is missing/ },
  { what: "no namespace", env: { CNI_NETNS: "" }, code: 4, msg: /CNI_NETNS is missing/ },
  { what: "no interface", env: { CNI_IFNAME: "" }, code: 4, msg: /CNI_IFNAME is missing/ },
  { what: "an old version", stdin: '{"cniVersion":"0.2.0"}', code: 1, msg: /cniVersion "0.2.0" is not supported/ },
  { what: "no version", stdin: "{}", code: 1, msg: /cniVersion "" is not supported/ },
  { what: "empty input", stdin: "", code: 6, msg: /cannot decode/ },
  { what: "cut input", stdin: '{"cniVersion":"1.0.0"', code: 6, msg: /cannot decode/ },
  { what: "bytes that are no text", stdin: Buffer.from([0xff, 0x00, 0x7b]), code: 6, msg: /cannot decode/ },
  { what: "another kind of JSON", stdin: "[1]", code: 6, msg: /cannot decode/ },
  { what: "a list of another kind", stdin: config({ exclude_namespaces: "x" }), code: 6, msg: /cannot decode/ },
  { what: "deep nesting", stdin: "[".repeat(100_000), code: 6, msg: /cannot decode/ },
  { what: "too much input", stdin: Buffer.alloc((1 << 20) + 1, 0x20), code: 5, msg: /too long/ },
  {
    what: "a relative folder",
    stdin: config({ run_directory: "run" }),
    code: 7,
    msg: /run_directory is not an absolute/,
  },
];
for (const { what, command = "ADD", stdin = config(), env = {}, code, msg } of wrong) {
  test(`refused in the specification's form: ${what}`, async () => {
    const answer = await run(command, stdin, { ...pod("shop", "web"), ...env });
    assert.equal(answer.code, 1);
    const document = JSON.parse(answer.stdout) as { cniVersion: string; code: number; msg: string };
    assert.equal(document.code, code, answer.stdout);
    assert.match(document.msg, msg);
    assert.match(document.cniVersion, /^(0\.3\.1|0\.4\.0|1\.0\.0|1\.1\.0)$/);
  });
}

test("CHECK came with 0.4.0", async () => {
  const { code, stdout } = await run("CHECK", config({}, "0.3.1"), pod("shop", "web"));
  assert.equal(code, 1);
  assert.equal(JSON.parse(stdout).code, 1);
});

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
