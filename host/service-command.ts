import { type Command, InvalidArgumentError, Option } from "commander";
import type { Logger } from "pino";
import { createLog, type LogLevel, type LogWriting, logLevels } from "./log.ts";

/** What the commands share that run as servers until a signal ends them. */

/** Reads a flag's whole number between two others. */
export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

/** Reads a flag's `true` or `false`. */
export function truth(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("It must be true or false.");
}

const unitsMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Reads a flag's `90s`, `15m` or `24h`; the answer is in milliseconds. */
export function duration(text: string): number {
  const [, number, unit] = /^(\d+)([smh])$/.exec(text) ?? [];
  const milliseconds = Number(number) * (unitsMs[unit ?? ""] ?? Number.NaN);
  if (milliseconds > 0) return milliseconds;
  throw new InvalidArgumentError("It must be a time such as 90s, 15m or 24h.");
}

/** Adds `--log-level`. */
export function withLogLevel(command: Command): Command {
  return command.addOption(
    new Option("--log-level <level>", "the least that is logged; where it listens is always said")
      .choices(logLevels)
      .default("info"),
  );
}

/** Runs a server with its log, of which the last lines are written before the process ends. */
export async function withLog(
  level: LogLevel,
  serve: (log: Logger) => Promise<void>,
  writing: LogWriting = "at-once",
): Promise<void> {
  const { log, flush } = createLog(level, writing);
  try {
    await serve(log);
  } finally {
    flush();
  }
}
