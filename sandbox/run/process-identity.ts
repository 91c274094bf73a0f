import { readFileSync } from "node:fs";

/** A process for certain: its number may be given to another one, but not with the same start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since the machine started, as /proc/PID/stat has it. */
  readonly startTime: string;
}

/** The identity of a process that runs; undefined when there is none of that number, or only its remains. */
export function identify(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, and may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const startTime = fields[18];
    return state === "Z" || state === "X" || startTime === undefined ? undefined : { pid, startTime };
  } catch {
    return undefined;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTime === identity.startTime;
}
