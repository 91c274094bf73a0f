import { readFileSync } from "node:fs";

const millisecondsPerTick = 10;

/** Milliseconds of processor time of a process itself, and of those it started and waited for. */
function processorTime(pid: number | "self"): { own: number; commands: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const at = (index: number) => Number(fields[index]) * millisecondsPerTick;
  return { own: at(11) + at(12), commands: at(13) + at(14) };
}

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
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (field: string) =>
    Number(((Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1024) / 1e6).toFixed(1));
  return { rss: megabytes("VmRSS"), peak: megabytes("VmHWM"), ownPages: megabytes("RssAnon") };
}

/** The first process that a process has started. */
export function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]);
}
