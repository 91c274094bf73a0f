import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { OutriggerError } from "../../mesh/errors.ts";
import { identify, isAlive, type ProcessIdentity } from "./process-identity.ts";

/**
 * Where a sandbox leaves what other commands need: who runs it, its control socket, its logs. One folder a sandbox, for
 * root only, and gone with it.
 */
export interface SandboxState {
  /** `outrigger sandbox up`; gone after it has detached. */
  readonly starter: ProcessIdentity;
  /** The process outside of the sandbox's namespaces whose end is theirs. */
  readonly supervisor?: ProcessIdentity;
}

const stateFile = "state.json";

export function runRoot(): string {
  return process.env.OUTRIGGER_SANDBOX_RUN ?? "/run/outrigger/sandbox";
}

export function runFolder(name: string): string {
  return join(runRoot(), name);
}

/** What the supervisor says of itself, which is nothing as long as all is well. */
export function supervisorLog(folder: string): string {
  return join(folder, "supervisor.log");
}

export function readState(folder: string): SandboxState | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, stateFile), "utf8")) as SandboxState;
  } catch {
    return undefined;
  }
}

export function writeState(folder: string, state: SandboxState): void {
  const temporary = join(folder, `${stateFile}.new`);
  writeFileSync(temporary, JSON.stringify(state), { mode: 0o600 });
  renameSync(temporary, join(folder, stateFile));
}

/** Whether somebody brings the sandbox up, runs it, or takes it down. */
export function isInUse({ starter, supervisor }: SandboxState): boolean {
  return isAlive(starter) || (supervisor !== undefined && isAlive(supervisor));
}

/** The names of the sandboxes that have a folder. */
export function sandboxNames(): string[] {
  if (!existsSync(runRoot())) return [];
  return readdirSync(runRoot()).filter((name) => !name.startsWith("."));
}

function refuse(name: string): never {
  const remedy = `take it down first (outrigger sandbox down --name ${name}), or choose another --name`;
  throw new OutriggerError("SANDBOX_FAILED", [{ field: `sandbox ${name}`, message: "is up already", remedy }]);
}

/**
 * Makes the folder of a new sandbox, in the name of this process. What a sandbox that was killed has left is removed.
 * @throws OutriggerError SANDBOX_FAILED when a sandbox of that name is up
 */
export function claimFolder(name: string): string {
  mkdirSync(runRoot(), { recursive: true, mode: 0o700 });
  const folder = runFolder(name);
  const state = readState(folder);
  if (state !== undefined && isInUse(state)) refuse(name);
  rmSync(folder, { recursive: true, force: true });
  const starter = identify(process.pid);
  if (starter === undefined) throw new Error("/proc does not show this process");
  // Complete before it appears: another `up` at the same moment sees a folder with an owner, or none.
  const prepared = mkdtempSync(join(runRoot(), `.${name}-`));
  writeState(prepared, { starter });
  mkdirSync(join(prepared, "private"), { mode: 0o700 });
  try {
    renameSync(prepared, folder);
  } catch {
    rmSync(prepared, { recursive: true });
    refuse(name);
  }
  return folder;
}
