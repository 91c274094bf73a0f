import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { config, pod, prevResult, run, system } from "./cni/plugin.ts";
import { pluginProgram } from "./cni/programs.ts";

// The plugin's executable alone, as a runtime runs it: what it prints, and its exit codes.

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
