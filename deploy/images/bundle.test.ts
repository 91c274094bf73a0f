import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { appendFile, chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bundleInit } from "./bundle.ts";

const dryRun = ["init", "-i", "*", "-b", "*", "--dry-run"];

let folder = "";
let bundled = "";

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "outrigger-bundle-"));
  bundled = join(folder, "init");
  const packages = ["node_modules/commander", "node_modules/valibot", "node_modules/yaml"];
  assert.deepEqual(await bundleInit(bundled), packages);
});

after(() => rm(folder, { recursive: true }));

function start(from: string, args: readonly string[], input = ""): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [join(from, "outrigger.cjs"), ...args], { encoding: "utf8", input, env: {} });
}

/** The bundle's copy, for a test that spoils it. */
async function copied(name: string): Promise<string> {
  const copy = join(folder, name);
  await cp(bundled, copy, { recursive: true });
  return copy;
}

test("V8 takes the compiled form in a process that starts as the image's does", () => {
  const script = `const { Script } = require("node:vm"), { readFileSync } = require("node:fs"), file = process.argv[1];
    const cachedData = readFileSync(file + ".compiled");
    console.log(new Script(readFileSync(file, "latin1"), { filename: file, cachedData }).cachedDataRejected);`;
  const { stdout } = spawnSync(process.execPath, ["-e", script, join(bundled, "init.js")], {
    encoding: "utf8",
    env: {},
  });
  assert.equal(stdout, "false\n");
});

test("the same sources make the same bytes, in whatever folder", async () => {
  const again = join(folder, "another-name");
  await bundleInit(again);
  for (const file of ["outrigger.cjs", "init.js", "init.js.compiled", "yaml.cjs"]) {
    assert.ok((await readFile(join(bundled, file))).equals(await readFile(join(again, file))), file);
  }
});

test("the bundle does what the checkout does", () => {
  const checkout = join(import.meta.dirname, "..", "..", "cli", "main.ts");
  const wanted = spawnSync(process.execPath, [checkout, ...dryRun], { encoding: "utf8", env: {} });
  const { stdout, stderr, status } = start(bundled, dryRun);
  assert.deepEqual({ stdout, stderr, status }, { stdout: wanted.stdout, stderr: wanted.stderr, status: 0 });
  assert.match(stdout, /-N ISTIO_INBOUND/);
});

test("a Pod in YAML is read, by the part that stands apart", () => {
  const pod =
    "spec: { containers: [] }\nmetadata: { annotations: { traffic.sidecar.istio.io/excludeInboundPorts: '81' } }\n";
  const { stdout, status } = start(bundled, ["init", "--from-pod", "-", "--dry-run"], pod);
  assert.equal(status, 0);
  assert.match(stdout, /--dport 81 -j RETURN/);
});

test("without the compiled form, or with a broken one, the bundle runs as ever", async () => {
  const wanted = start(bundled, dryRun).stdout;
  const [without, broken, cut] = await Promise.all(["without", "broken", "cut"].map(copied));
  await rm(join(without ?? "", "init.js.compiled"));
  await writeFile(join(broken ?? "", "init.js.compiled"), "no compiled code");
  const whole = await readFile(join(cut ?? "", "init.js.compiled"));
  await writeFile(join(cut ?? "", "init.js.compiled"), whole.subarray(0, 1000));
  for (const spoilt of [without, broken, cut]) {
    const { stdout, status } = start(spoilt ?? "", dryRun);
    assert.deepEqual({ stdout, status }, { stdout: wanted, status: 0 });
  }
});

test("the compiled form of another script is not run", async () => {
  const other = await copied("other");
  await appendFile(join(other, "init.js"), "\n");
  assert.equal(start(other, dryRun).stdout, start(bundled, dryRun).stdout);
});

test("nothing is written where the bundle stands", async () => {
  const readOnly = await copied("read-only");
  await chmod(readOnly, 0o555);
  assert.equal(start(readOnly, dryRun).status, 0);
});

test("bad flags end with 255, and an unknown command names those that are here", () => {
  assert.equal(start(bundled, ["init", "--no-such-flag"]).status, 255);
  const { status, stderr } = start(bundled, ["webhook"]);
  assert.equal(status, 255);
  assert.match(stderr, /"webhook" is not one of outrigger's commands; use one of: init, istio-iptables, trace/);
});
