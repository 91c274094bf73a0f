import { readFileSync } from "node:fs";

/** The kernel counts processor time in hundredths of a second. */
const millisecondsPerTick = 10;

/** Milliseconds of processor time of a process itself, and of those that it started and waited for. */
export function processorTime(pid: number | "self"): { readonly own: number; readonly commands: number } {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const at = (index: number) => Number(fields[index]) * millisecondsPerTick;
  return { own: at(11) + at(12), commands: at(13) + at(14) };
}

/** Bytes of memory; `own` are those that are not of the program's file, which processes share. */
export function memoryBytes(pid: number): { readonly rss: number; readonly peak: number; readonly own: number } {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
  return { rss: bytes("VmRSS"), peak: bytes("VmHWM"), own: bytes("RssAnon") };
}
