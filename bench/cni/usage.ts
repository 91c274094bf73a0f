import { readFileSync } from "node:fs";
import { memoryBytes, processorTime } from "../process.ts";

/** What one ADD takes of the processors, whatever else runs on them. */
export async function processorTimeOf(work: () => Promise<number>, agent: number, helper: number) {
  const now = () => ({ agent: processorTime(agent), helper: processorTime(helper), bench: processorTime("self") });
  const before = now();
  const count = await work();
  const after = now();
  const each = (part: (times: typeof before) => number) => Number(((part(after) - part(before)) / count).toFixed(1));
  return {
    plugin: each(({ bench }) => bench.commands),
    agent: each(({ agent }) => agent.own),
    helper: each(({ helper }) => helper.own),
    commands: each(({ helper }) => helper.commands),
  };
}

/** Megabytes; `ownPages` are those that are not of the program's file, which processes share. */
export function memoryOf(pid: number): { rss: number; peak: number; ownPages: number } {
  const { rss, peak, own } = memoryBytes(pid);
  const megabytes = (bytes: number) => Number((bytes / 1e6).toFixed(1));
  return { rss: megabytes(rss), peak: megabytes(peak), ownPages: megabytes(own) };
}

/** The first process that a process has started. */
export function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
}
