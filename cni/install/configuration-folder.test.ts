import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { copyExecutable, writeAtomically } from "./atomic-file.ts";
import { ensureEntry, removeEntries } from "./configuration-folder.ts";

const entry = { type: "outrigger-cni", run_directory: "/run/outrigger-cni" } as const;
const list = { cniVersion: "1.0.0", name: "pods", plugins: [{ type: "bridge" }, { type: "portmap" }] };

async function folder(t: TestContext, files: Record<string, unknown> = {}): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "outrigger-net.d-"));
  t.after(() => rm(path, { recursive: true }));
  for (const [name, value] of Object.entries(files)) await writeFile(join(path, name), JSON.stringify(value));
  return path;
}

async function plugins(path: string, name: string): Promise<string[]> {
  const { plugins } = JSON.parse(await readFile(join(path, name), "utf8")) as { plugins: { type: string }[] };
  return plugins.map(({ type }) => type);
}

test("the first valid file by name gets the entry; the others stay", async (t) => {
  const path = await folder(t, { "00-broken.conflist": {}, "10-pods.conflist": list, "20-other.conflist": list });
  assert.deepEqual(await ensureEntry(path, entry), { state: "added", fileName: "10-pods.conflist" });
  assert.deepEqual(await plugins(path, "10-pods.conflist"), ["bridge", "portmap", "outrigger-cni"]);
  assert.deepEqual(await plugins(path, "20-other.conflist"), ["bridge", "portmap"]);
  assert.deepEqual(await readdir(path), ["00-broken.conflist", "10-pods.conflist", "20-other.conflist"]);
});

test("a second time nothing is written", async (t) => {
  const path = await folder(t, { "10-pods.conflist": list });
  await ensureEntry(path, entry);
  const before = await stat(join(path, "10-pods.conflist"));
  assert.deepEqual(await ensureEntry(path, entry), { state: "present", fileName: "10-pods.conflist" });
  assert.equal((await stat(join(path, "10-pods.conflist"))).ino, before.ino);
});

test("the file's mode stays", async (t) => {
  const path = await folder(t);
  await writeFile(join(path, "10-pods.conflist"), JSON.stringify(list), { mode: 0o600 });
  await ensureEntry(path, entry);
  assert.equal((await stat(join(path, "10-pods.conflist"))).mode & 0o777, 0o600);
});

test("a plain .conf becomes a .conflist", async (t) => {
  const path = await folder(t, { "10-pods.conf": { cniVersion: "1.0.0", name: "pods", type: "bridge" } });
  assert.deepEqual(await ensureEntry(path, entry), { state: "added", fileName: "10-pods.conflist" });
  assert.deepEqual(await readdir(path), ["10-pods.conflist"]);
  assert.deepEqual(await plugins(path, "10-pods.conflist"), ["bridge", "outrigger-cni"]);
});

test("without a network there is nothing to do, and without the folder neither", async (t) => {
  const path = await folder(t);
  assert.deepEqual(await ensureEntry(path, entry), { state: "no-network" });
  assert.deepEqual(await ensureEntry(join(path, "missing"), entry), { state: "no-network" });
});

test("a version without prevResult is left as it is, and named", async (t) => {
  const path = await folder(t, { "10-pods.conflist": { ...list, cniVersion: "0.2.0" } });
  const state = await ensureEntry(path, entry);
  assert.deepEqual(state, { state: "unusable", fileName: "10-pods.conflist", cniVersion: "0.2.0" });
  assert.deepEqual(await plugins(path, "10-pods.conflist"), ["bridge", "portmap"]);
});

test("removing takes the entry out of every file", async (t) => {
  const path = await folder(t, { "10-pods.conflist": list, "20-own.conflist": { ...list, plugins: [entry] } });
  await ensureEntry(path, entry);
  assert.deepEqual(await removeEntries(path), ["10-pods.conflist", "20-own.conflist"]);
  assert.deepEqual(await plugins(path, "10-pods.conflist"), ["bridge", "portmap"]);
  assert.deepEqual(await removeEntries(path), []);
});

test("a draft left over from a crash, even as a link, is neither followed nor kept", async (t) => {
  const path = await folder(t);
  const victim = join(path, "victim");
  await writeFile(victim, "untouched");
  await symlink(victim, join(path, ".10-pods.conflist.outrigger-draft"));
  await writeAtomically(join(path, "10-pods.conflist"), "new", { mode: 0o644 });
  assert.equal(await readFile(victim, "utf8"), "untouched");
  assert.deepEqual((await readdir(path)).sort(), ["10-pods.conflist", "victim"]);
});

test("a failed write leaves the old content and no draft", async (t) => {
  const path = await folder(t);
  const target = join(path, "taken");
  await writeFile(target, "old");
  const owner = { mode: 0o644, uid: -5, gid: -5 };
  await assert.rejects(writeAtomically(target, "new", owner));
  assert.equal(await readFile(target, "utf8"), "old");
  assert.deepEqual(await readdir(path), ["taken"]);
});

test("an executable is copied once, and again when it differs or lost its mode", async (t) => {
  const path = await folder(t);
  const [from, to] = [join(path, "from"), join(path, "to")];
  await writeFile(from, "program 1", { mode: 0o755 });
  assert.equal(await copyExecutable(from, to), true);
  assert.equal(await copyExecutable(from, to), false);
  await writeFile(to, "program 0");
  assert.equal(await copyExecutable(from, to), true);
  await rm(to);
  await writeFile(to, "program 1", { mode: 0o644 });
  assert.equal(await copyExecutable(from, to), true);
  assert.equal((await stat(to)).mode & 0o777, 0o755);
});
