import { execFile, spawnSync } from "node:child_process";

/**
 * Runs programs by Node.js itself: what execa takes to load and to run a first command is more than all the rest of
 * `outrigger init` takes. docs/adr/0011-init-runs-programs-by-node.md has the figures.
 */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly input: string;
  readonly timeoutMs: number;
}

export interface Ended {
  /** How the program ended if not well, such as `exit code 4`, `SIGTERM` or `EACCES`. */
  readonly failed?: "not-installed" | "timeout" | "too-much-output" | { readonly by: string };
  readonly stdout: string;
  readonly stderr: string;
  readonly cause?: unknown;
}

/** More than any rule set has; a program that prints more than this has gone astray. */
export const outputLimitBytes = 64 * 1024 * 1024;

/**
 * Killed for good: a program that takes no notice of the time may take none of SIGTERM. The kernel undoes what it has
 * begun and not committed.
 */
const limits = { killSignal: "SIGKILL", maxBuffer: outputLimitBytes, encoding: "utf8" } as const;

interface SystemEnd {
  readonly code?: string | number | null | undefined;
  readonly signal?: string | null | undefined;
}

const failures: Readonly<Record<string, Ended["failed"]>> = {
  ENOENT: "not-installed",
  ETIMEDOUT: "timeout",
  ENOBUFS: "too-much-output",
  ERR_CHILD_PROCESS_STDIO_MAXBUFFER: "too-much-output",
};

function failureOf({ code, signal }: SystemEnd): NonNullable<Ended["failed"]> {
  if (typeof code === "string") return failures[code] ?? { by: code };
  return { by: signal ?? `exit code ${code}` };
}

/** Runs a program while others of this process's doings go on. */
export function runAlongside({ file, args, input, timeoutMs }: Program): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { ...limits, timeout: timeoutMs }, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr });
      const late = error.killed === true && typeof error.code !== "string";
      resolve({ failed: late ? "timeout" : failureOf(error), stdout, stderr, cause: error });
    });
    // Who ends without reading its input tells why by exit code and standard error.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** Runs a program while this process stands still: for one that has nothing else to do it is the faster way. */
export function runAlone({ file, args, input, timeoutMs }: Program): Ended {
  const result = spawnSync(file, args, { ...limits, timeout: timeoutMs, input });
  const { status, signal, error } = result;
  const [stdout, stderr] = [result.stdout ?? "", result.stderr ?? ""]; // null where nothing was started
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  // As above for EPIPE: it says only that the input was not read.
  if (status === 0) return { stdout, stderr };
  const end = status === null && code !== "EPIPE" ? { code, signal } : { code: status, signal };
  return { failed: failureOf(end), stdout, stderr, cause: error };
}
