import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type InnerCommand, launchArguments } from "./command-line.ts";
import type { FileSystem } from "./file-system.ts";
import { openContainerLog } from "./log.ts";
import { batchMounts, printFstab } from "./mounts.ts";

const launchScript = join(import.meta.dirname, "launch.sh");

export interface Launch {
  /** The process that holds the Pod's namespaces. */
  readonly holderPid: number;
  /** A folder of the container's own, to be made; gone when the container has ended. */
  readonly directory: string;
  readonly logFile: string;
  readonly fileSystem: FileSystem;
  readonly workingDirectory: string;
  readonly command: InnerCommand;
}

export interface ContainerExit {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
  readonly lastOutput: string;
  /** Why the program was not even started. */
  readonly launchError: string | undefined;
}

export interface RunningContainer {
  /** Whether a SIGTERM would do anything: Linux keeps it from a first process that does not ask for it. */
  readonly heedsTermination: () => boolean;
  /** The container's first process, as the supervisor sees it; undefined while there is none. */
  readonly initPid: () => number | undefined;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Why the program was not even started; its container ends at once. */
  readonly launchError: string | undefined;
  readonly exited: Promise<ContainerExit>;
}

const signalNumbers = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
} as const;

function signalNumber(signal: NodeJS.Signals | null): number {
  const numbers: Readonly<Partial<Record<NodeJS.Signals, number>>> = signalNumbers;
  return signal === null ? 0 : (numbers[signal] ?? 0);
}

async function writeFileSystem(directory: string, { mounts, sealed }: FileSystem): Promise<void> {
  const folders = ["upper", "work", "root"].map((name) => mkdir(join(directory, name), { recursive: true }));
  await Promise.all(folders);
  const batches = batchMounts(mounts);
  await writeFile(join(directory, "sealed"), sealed.map((path) => `${path}\n`).join(""));
  for (const [index, batch] of batches.entries()) {
    await writeFile(join(directory, `${index + 1}.files`), batch.files.map((file) => `${file}\n`).join(""));
    await writeFile(join(directory, `${index + 1}.fstab`), printFstab(batch.mounts));
  }
}

/** The one child of `unshare`, which is the first process of the container's PID namespace. */
function childOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return child === undefined || child === "" ? undefined : Number(child);
  } catch {
    return undefined;
  }
}

/** Whether the process catches the signal, or blocks it to fetch it when it likes; see proc(5), SigCgt and SigBlk. */
function heeds(pid: number | undefined, signal: number): boolean {
  if (pid === undefined) return false;
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const masks = [...status.matchAll(/^Sig(?:Cgt|Blk):\s*([0-9a-f]+)$/gm)].map((match) => BigInt(`0x${match[1]}`));
    return masks.some((mask) => ((mask >> BigInt(signal - 1)) & 1n) === 1n);
  } catch {
    return false;
  }
}

function killProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, signal);
  } catch {
    // It has ended by itself in the meantime.
  }
}

const startedMark = "started\n";

/** What launch.sh says: nothing once the program runs, else why it does not. */
async function launchOutcome(child: ChildProcess): Promise<string | undefined> {
  const channel = child.stdio[3] as Readable;
  let said = "";
  try {
    for await (const chunk of channel) {
      said += String(chunk);
      if (said.endsWith(startedMark)) return undefined;
    }
  } catch {
    // The channel broke off: what was said is all there is.
  }
  return said.trim() || "the container's first process did not start";
}

/** Starts a container. Its mounts and its processes live in namespaces of its own, and end with its first process. */
export async function launchContainer(launch: Launch): Promise<RunningContainer> {
  const { directory, command, holderPid, workingDirectory } = launch;
  await writeFileSystem(directory, launch.fileSystem);
  const log = await openContainerLog(launch.logFile, command.privileges.uid, command.privileges.gid);
  const argv = launchArguments(holderPid, { path: launchScript, directory, workingDirectory }, command);
  const child = spawn(argv[0] ?? "", argv.slice(1), {
    stdio: ["ignore", log.writeEnd, log.writeEnd, "pipe"],
    cwd: "/",
  });
  log.handedOver();
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const launchError = await launchOutcome(child);
  const exited = ended.then(async ([code, signal]): Promise<ContainerExit> => {
    const lastOutput = await log.finished;
    await rm(directory, { recursive: true });
    const exitCode = code ?? 128 + signalNumber(signal);
    return { exitCode, signal: signal ?? undefined, lastOutput, launchError };
  });
  const initPid = () => childOf(child.pid);
  return {
    initPid,
    kill: (signal) => killProcess(initPid(), signal),
    heedsTermination: () => heeds(initPid(), signalNumbers.SIGTERM),
    launchError,
    exited,
  };
}
