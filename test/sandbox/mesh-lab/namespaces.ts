import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Runs a command to its end; its output. Throws with its standard error when it fails. */
export function run(file: string, args: readonly string[], input?: string): string {
  return execFileSync(file, args, {
    encoding: "utf8",
    input,
    stdio: ["pipe", "pipe", "pipe"],
    timeout: 60_000,
    maxBuffer: 256 * 1024 * 1024,
  });
}

/** A process in a network namespace, with its output in a file. */
export interface Running {
  readonly pid: number;
  output(): string;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface Start {
  readonly netns: string;
  readonly command: readonly string[];
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The user and group it runs as; root unless given. */
  readonly user?: number;
  /** A folder that it alone sees at another place, below /run. */
  readonly mount?: Mount;
}

export interface Mount {
  readonly folder: string;
  readonly at: string;
}

/** What `ip netns exec` starts has a mount namespace of its own, so /run can be emptied there. */
const mountScript = 'mount -t tmpfs run /run && mkdir -p "$1" && mount --bind "$2" "$1" && shift 2 && exec "$@"';

export function start({ netns, command, log, env = {}, user, mount }: Start): Running {
  const mounting = mount === undefined ? [] : ["sh", "-c", mountScript, "mount", mount.at, mount.folder];
  const asUser = user === undefined ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  const file = openSync(log, "a");
  const child = spawn(
    "ip",
    ["netns", "exec", netns, ...mounting, "setpriv", "--pdeathsig=KILL", ...asUser, ...command],
    {
      stdio: ["ignore", file, file],
      env: { ...process.env, ...env },
    },
  );
  closeSync(file);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    pid: child.pid ?? 0,
    output: () => readFileSync(log, "utf8"),
    async kill(signal = "SIGKILL") {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal);
        await ended;
      }
    },
  };
}

/** Waits until the function gives something; throws what it last threw, or that it never did, after the time. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  withinMs = 60_000,
): Promise<NonNullable<T> | (T & true)> {
  const deadline = Date.now() + withinMs;
  let last: unknown = new Error("nothing came of it");
  while (Date.now() < deadline) {
    try {
      const value = await probe();
      if (value) return value as NonNullable<T>;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not within ${withinMs} ms`, { cause: last });
}

export const projectFolder = join(import.meta.dirname, "..", "..", "..");
