import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "./namespace.ts";
import { runInside } from "./namespace.ts";

const iptables = ["iptables", "ip6tables"].flatMap((family) =>
  ["", "-nft", "-legacy"].flatMap((backend) => ["", "-save", "-restore"].map((verb) => `${family}${backend}${verb}`)),
);

/** Every program that init may run: its PATH has no other. */
const programs = [...iptables, "nft", "ip", "nsenter"];

/** What one run costs besides time. */
export interface Cost {
  /** The programs that it ran, in order. */
  readonly childProcesses: readonly string[];
  readonly residentMiB: number;
}

function pathOf(program: string): string | undefined {
  try {
    return execFileSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

/** Makes a way to run Node.js commands so that the programs that they run, and their memory, are written down. */
export function counter(folder: string): (name: string, command: Command) => Cost {
  const [shims, log, memory, atExit] = ["shims", "programs", "memory", "at-exit.cjs"].map((name) => join(folder, name));
  if (shims === undefined || log === undefined || memory === undefined || atExit === undefined) throw new Error(folder);
  mkdirSync(shims);
  for (const program of programs) {
    const path = pathOf(program);
    if (path === undefined) continue;
    writeFileSync(join(shims, program), `#!/bin/sh\necho ${program} >> ${log}\nexec ${path} "$@"\n`);
    chmodSync(join(shims, program), 0o755);
  }
  writeFileSync(
    atExit,
    `const { writeFileSync } = require("node:fs");
     process.on("exit", () => writeFileSync(${JSON.stringify(memory)}, String(process.resourceUsage().maxRSS)));`,
  );
  const nsenter = pathOf("nsenter") ?? "nsenter";
  return (name, command) => {
    writeFileSync(log, "");
    const env = { PATH: shims, NODE_OPTIONS: `--require=${atExit}` };
    runInside(name, { ...command, env }, nsenter);
    return {
      childProcesses: readFileSync(log, "utf8").split("\n").filter(Boolean),
      residentMiB: Number((Number(readFileSync(memory, "utf8")) / 1024).toFixed(1)),
    };
  };
}
