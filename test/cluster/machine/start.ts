import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clusterBinaries, programNames } from "./binaries.ts";
import { control } from "./control.ts";
import { createControlGroup, removeControlGroup } from "./control-groups.ts";
import { writeCredentials } from "./credentials.ts";
import { isolated } from "./isolated.ts";
import { type Layout, layout } from "./layout.ts";
import { relay } from "./relay.ts";

/** A running Kubernetes of one node, in namespaces of its own. */
export interface TestMachine {
  readonly place: Layout;
  /** The machine's process 1, as the host numbers it. */
  readonly pid: number;
  /** An administrator's kubeconfig that works from this process's network. */
  readonly kubeconfig: string;
  /** Ends every process of the machine and removes what it left. */
  stop(): Promise<void>;
}

/** Starts process 1. */
function launch(place: Layout): ChildProcess {
  const main = [process.execPath, join(import.meta.dirname, "main.ts"), place.state];
  return spawn("setpriv", isolated(place.state, ...main), { stdio: ["ignore", "pipe", "pipe"] });
}

async function childOf(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  const child = Number(children.trim().split(" ")[0]);
  if (!Number.isInteger(child) || child === 0) throw new Error("the test machine has no process 1");
  return child;
}

const prefix = "outrigger-cluster-";

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Removes what is left of machines whose starter was killed; their processes died with it. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const place = layout(join(tmpdir(), name));
    const owner = Number(await readFile(place.owner, "utf8").catch(() => "0"));
    if (owner === 0 || isAlive(owner)) continue;
    // What cannot be removed is in nobody's way: each machine has names of its own.
    await removeFiles(place).catch((error: Error) => process.stderr.write(`left behind: ${error.message}\n`));
  }
}

async function removeFiles(place: Layout): Promise<void> {
  await removeControlGroup(place.controlGroup);
  await rm(place.state, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

async function prepare(): Promise<Layout> {
  await removeLeftovers();
  const binaries = await clusterBinaries();
  const place = layout(await mkdtemp(join(tmpdir(), prefix)));
  await writeFile(place.owner, String(process.pid));
  await mkdir(place.programs);
  await mkdir(place.logs);
  for (const name of programNames) await symlink(join(binaries, "kubernetes"), join(place.programs, name));
  await writeCredentials(place);
  await createControlGroup(place.controlGroup);
  return place;
}

async function tearDown(place: Layout, child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  await removeFiles(place);
}

const readyTimeoutMs = 180_000;

/** Waits until the machine's control socket answers, which it does when the cluster is ready. */
async function untilListening(place: Layout, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  for (;;) {
    if (Date.now() > deadline) throw new Error("the test machine was not ready in time", { cause: place.logs });
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the test machine ended: ${await readFile(join(place.logs, "machine.log"), "utf8")}`);
    }
    const states = await control(place.controlSocket, "states").catch(() => undefined);
    if (states !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a machine. Its node is Ready and its cluster has DNS when this returns. */
export async function startMachine(): Promise<TestMachine> {
  const place = await prepare();
  const child = launch(place);
  const log = createWriteStream(join(place.logs, "machine.log"));
  child.stdout?.pipe(log, { end: false });
  child.stderr?.pipe(log, { end: false });
  const stop = () => tearDown(place, child);
  try {
    await untilListening(place, child);
    const port = await relay({ host: "127.0.0.1", port: 0 }, { path: place.apiSocket });
    const inside = await readFile(place.kubeconfig("admin"), "utf8");
    const kubeconfig = join(place.state, "kubeconfig");
    await writeFile(kubeconfig, inside.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`), { mode: 0o600 });
    return { place, pid: await childOf(child.pid ?? 0), kubeconfig, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
