import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pluginEntry } from "./entry.ts";
import { type InstallPlan, type InstallState, keepInstalled } from "./keep-installed.ts";
import { endReason, uninstall } from "./uninstall.ts";

const entry = pluginEntry({
  logLevel: "info",
  runDirectory: "/run/outrigger-cni",
  excludeNamespaces: ["kube-system"],
  nativeNftables: false,
  namespace: "outrigger-system",
  daemonSet: "outrigger-cni",
  pluginPatienceSeconds: 5,
});
const network = { cniVersion: "1.0.0", name: "pods", plugins: [{ type: "bridge" }] };

interface Node {
  readonly plan: InstallPlan;
  readonly file: string;
  /** Ends when a look at the installation comes to this. */
  readonly until: (wanted: (state: InstallState) => boolean) => Promise<void>;
  readonly stop: () => Promise<void>;
}

async function node(t: TestContext, isCurrent: () => Promise<boolean> = async () => true): Promise<Node> {
  const root = await mkdtemp(join(tmpdir(), "outrigger-node-"));
  const plan = {
    program: join(root, "program"),
    programFolder: join(root, "bin"),
    configurationFolder: join(root, "net.d"),
    entry,
  };
  await mkdir(plan.programFolder);
  await mkdir(plan.configurationFolder);
  await writeFile(plan.program, "the plugin", { mode: 0o755 });
  const waiting: { wanted: (state: InstallState) => boolean; resolve: () => void }[] = [];
  const ending = new AbortController();
  const options = {
    isCurrent,
    installed(state: InstallState) {
      for (const one of waiting.filter(({ wanted }) => wanted(state))) one.resolve();
    },
    failed: (error: unknown) => assert.fail(error as Error),
  };
  const until: Node["until"] = (wanted) => new Promise((resolve) => waiting.push({ wanted, resolve }));
  const first = until(() => true);
  const kept = keepInstalled(plan, options, ending.signal);
  if (await isCurrent()) await first;
  const stop = async () => {
    ending.abort();
    await kept;
  };
  t.after(async () => {
    await stop();
    await rm(root, { recursive: true });
  });
  return { plan, file: join(plan.configurationFolder, "10-pods.conflist"), until, stop };
}

const added = ({ state }: InstallState) => state === "added";

async function types(file: string): Promise<string[]> {
  const { plugins } = JSON.parse(await readFile(file, "utf8")) as { plugins: { type: string }[] };
  return plugins.map(({ type }) => type);
}

test("the entry follows as soon as a network is there", async (t) => {
  const { file, until } = await node(t);
  const installed = until(added);
  await writeFile(file, JSON.stringify(network));
  await installed;
  assert.deepEqual(await types(file), ["bridge", "outrigger-cni"]);
});

test("what another tool overwrites or deletes is put back: the entry, the program", async (t) => {
  const { plan, file, until } = await node(t);
  let installed = until(added);
  await writeFile(file, JSON.stringify(network));
  await installed;
  installed = until(added);
  await writeFile(file, JSON.stringify({ ...network, name: "changed" }));
  await installed;
  assert.deepEqual(await types(file), ["bridge", "outrigger-cni"]);
  const copied = until(({ programWritten }) => programWritten);
  await rm(join(plan.programFolder, "outrigger-cni"));
  await copied;
  assert.equal(await readFile(join(plan.programFolder, "outrigger-cni"), "utf8"), "the plugin");
});

test("an agent that was superseded touches nothing", async (t) => {
  const { plan, file, stop } = await node(t, async () => false);
  await writeFile(file, JSON.stringify(network));
  await stop();
  assert.deepEqual(await types(file), ["bridge"]);
  assert.deepEqual(await readdir(plan.programFolder), []);
});

test("uninstalling leaves the node's own network", async (t) => {
  const { plan, file, until, stop } = await node(t);
  const installed = until(added);
  await writeFile(file, JSON.stringify(network));
  await installed;
  await stop();
  assert.deepEqual(await uninstall(plan), ["10-pods.conflist"]);
  assert.deepEqual(JSON.parse(await readFile(file, "utf8")), network);
  assert.deepEqual(await readdir(plan.programFolder), []);
  assert.deepEqual(await uninstall(plan), []);
});

test("only a missing DaemonSet means that Outrigger is uninstalled", async () => {
  const yes = async () => true;
  const no = async () => false;
  assert.equal(await endReason(yes, no), "uninstalled");
  assert.equal(await endReason(yes, yes), "agent-returns");
  assert.equal(await endReason(no, no), "superseded");
  assert.equal(await endReason(yes, () => Promise.reject(new Error("no answer"))), "unknown");
});
