import { readFileSync } from "node:fs";

const ticksPerSecond = 100;

/** CPU seconds of a process so far. */
export function cpuSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

export interface Memory {
  readonly rssMiB: number;
  /** Without the pages of the program's file, which all Envoys of a node share. */
  readonly anonymousMiB: number;
}

export function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, "latin1");
  const mebibytes = (field: string) => {
    const kibibytes = Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
    return Number((kibibytes / 1024).toFixed(1));
  };
  return { rssMiB: mebibytes("VmRSS"), anonymousMiB: mebibytes("RssAnon") };
}
