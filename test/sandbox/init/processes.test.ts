import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { backendNames, backends, captureAll, createInitPod, needsRoot } from "./pod.ts";
import { createToolsFolder } from "./tools-folder.ts";

const restore = { "iptables-nft": "tables-nft-restore", "iptables-legacy": "tables-legacy-restore" } as const;
const waits = "--noflush --wait 20";

/** The processes of a run in a new namespace: one finds the backend, and one writes each family. */
function freshCalls(backend: keyof typeof backends): string[] {
  const find = "nft list ruleset";
  return backend === "nftables" ? [find, "nft -f -"] : [find, `ip${restore[backend]} ${waits}`];
}

suite("what a run starts", { skip: needsRoot }, () => {
  for (const backend of backendNames) {
    test(`one process finds, one writes: ${backend}`, async (context) => {
      const tools = createToolsFolder(context);
      const pod = createInitPod(context);
      const { code, stderr } = await pod.init([...captureAll, ...backends[backend]], { env: { PATH: tools.path } });
      assert.equal(code, 0, stderr);
      assert.deepEqual(tools.takeCalls(), freshCalls(backend));
    });
  }

  test("IPv6 has its own iptables-restore, and its address", async (context) => {
    const tools = createToolsFolder(context);
    const pod = createInitPod(context);
    await pod.init([...captureAll, "--dual-stack"], { env: { PATH: tools.path } });
    assert.deepEqual(tools.takeCalls().sort(), [
      "ip -6 -batch -",
      `ip6${restore["iptables-nft"]} ${waits}`,
      `ip${restore["iptables-nft"]} ${waits}`,
      "nft list ruleset",
    ]);
  });

  test("others' rules decide the backend, by two processes at most, and none that writes", async (context) => {
    const tools = createToolsFolder(context);
    const pod = createInitPod(context);
    pod.shell("iptables-legacy -t nat -A POSTROUTING -s 10.1.0.0/16 -j MASQUERADE");
    const { stdout } = await pod.init(captureAll, { env: { PATH: tools.path } });
    assert.match(stdout, /^iptables-legacy \(others have rules there\)/);
    assert.deepEqual(tools.takeCalls(), [
      "nft list ruleset",
      "iptables-legacy-save ",
      `ip${restore["iptables-legacy"]} ${waits}`,
    ]);
  });

  test("without nft, iptables' own tools find the backend", async (context) => {
    const tools = createToolsFolder(context, { without: /^nft$/ });
    const pod = createInitPod(context);
    await pod.init(captureAll, { env: { PATH: tools.path } });
    assert.deepEqual(tools.takeCalls().sort(), [
      "ip6tables-nft-save ",
      `ip${restore["iptables-nft"]} ${waits}`,
      "iptables-nft-save ",
    ]);
  });
});

const hasStrace = spawnSync("strace", ["--version"]).status === 0;

suite("a dry run starts nothing and needs no privilege", { skip: needsRoot }, () => {
  const nobody = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
  ];

  for (const flags of [[], ["--native-nftables"], ["--cleanup-only"], ["--redirect-dns", "--explain"]]) {
    test(`with ${flags.join(" ") || "no other flag"}`, async (context) => {
      const tools = createToolsFolder(context);
      const pod = createInitPod(context);
      const before = pod.state();
      const run = await pod.init([...captureAll, "--dry-run", ...flags], { env: { PATH: tools.path }, as: nobody });
      assert.equal(run.code, 0, run.stderr);
      assert.deepEqual(tools.takeCalls(), []);
      assert.deepEqual(pod.state(), before);
    });
  }

  test("as the system calls show", { skip: hasStrace ? false : "no strace here" }, (context) => {
    const { path } = createToolsFolder(context);
    const trace = join(path, "trace");
    const outrigger = [process.execPath, join(import.meta.dirname, "../../../cli/main.ts")];
    const calls = "execve,fork,vfork";
    execFileSync("strace", [
      "-f",
      "-e",
      `trace=${calls}`,
      "-o",
      trace,
      ...outrigger,
      "init",
      ...captureAll,
      "--dry-run",
    ]);
    assert.equal(readFileSync(trace, "utf8").match(/\b(execve|v?fork)\(/g)?.length, 1);
  });
});
