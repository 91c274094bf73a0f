import { existsSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { askStop } from "./control-client.ts";
import { readState, runFolder, type SandboxState } from "./folder.ts";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";

/** How a sandbox was found, and left. */
export type Takedown = "was-not-up" | "stopped" | "killed" | "leftovers-removed";

const pollMs = 20;
/** What stopping takes besides the grace of the Pods. */
const spareMs = 5000;
const starterMs = 500;

async function waitForEnd(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

async function endSupervisor(name: string, supervisor: ProcessIdentity, graceMs: number): Promise<Takedown> {
  const asked = await askStop(name, graceMs).then(
    () => true,
    () => false,
  );
  if (asked && (await waitForEnd(supervisor, graceMs + spareMs))) return "stopped";
  // With it the first process of the sandbox's PID namespace ends, and so does every other one in there.
  if (isAlive(supervisor)) process.kill(supervisor.pid, "SIGKILL");
  await waitForEnd(supervisor, spareMs);
  return "killed";
}

async function endProcesses(name: string, state: SandboxState | undefined, graceMs: number): Promise<Takedown> {
  const { supervisor } = state ?? {};
  if (supervisor === undefined || !isAlive(supervisor)) return "leftovers-removed";
  return await endSupervisor(name, supervisor, graceMs);
}

/** Whoever brings it up sees it end, and ends too; before there is a supervisor it has to be told. */
async function endStarter(starter: ProcessIdentity): Promise<void> {
  if (starter.pid === process.pid || (await waitForEnd(starter, starterMs))) return;
  process.kill(starter.pid, "SIGTERM");
  await waitForEnd(starter, spareMs);
}

/** Takes a sandbox down, whatever state it is in: running, half up, or killed. Nothing is left; twice is no error. */
export async function takeDown(name: string, graceMs: number): Promise<Takedown> {
  const folder = runFolder(name);
  if (!existsSync(folder)) return "was-not-up";
  const state = readState(folder);
  const takedown = await endProcesses(name, state, graceMs);
  if (state !== undefined) await endStarter(state.starter);
  rmSync(folder, { recursive: true, force: true });
  return takedown;
}
