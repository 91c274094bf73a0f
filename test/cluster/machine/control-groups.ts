import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const emptyTimeoutMs = 20_000;

/** The hierarchies that are mounted here: those of cgroup v1, that of v2, or both, where runc uses both too. */
async function hierarchies(): Promise<string[]> {
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" "));
  return mounts.flatMap(([, path, type]) => (/^cgroup2?$/.test(type ?? "") && path !== undefined ? [path] : []));
}

/** In version 2 a group has the controllers that its parent passes on. */
async function passControllersOn(hierarchy: string): Promise<void> {
  const controllers = await readFile(join(hierarchy, "cgroup.controllers"), "utf8").catch(() => "");
  const wanted = controllers
    .trim()
    .split(/\s+/)
    .filter((name) => /^(cpu|cpuset|memory|pids)$/.test(name));
  if (wanted.length === 0) return;
  await writeFile(join(hierarchy, "cgroup.subtree_control"), wanted.map((name) => `+${name}`).join(" "));
}

/** Creates the group in every hierarchy. A cpuset starts empty and must be given its parent's processors and memory. */
export async function createControlGroup(group: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    await passControllersOn(hierarchy);
    const path = join(hierarchy, group);
    await mkdir(path);
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const parent = join(hierarchy, file);
      if (existsSync(parent) && existsSync(join(path, file))) await writeFile(join(path, file), await readFile(parent));
    }
  }
}

async function removeTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(path, entry.name));
  }
  await rmdirWhenEmpty(path);
}

/** A process that was killed leaves its group a moment later; until then the kernel refuses. */
async function rmdirWhenEmpty(path: string): Promise<void> {
  const deadline = Date.now() + emptyTimeoutMs;
  for (;;) {
    try {
      return await rmdir(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY" || Date.now() > deadline) throw error;
      await delay(20);
    }
  }
}

/** Removes the group and those below it, whose processes have been killed. */
export async function removeControlGroup(group: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const path = join(hierarchy, group);
    if (existsSync(path)) await removeTree(path);
  }
}
