import { OutriggerError } from "../mesh/errors.ts";
import { explainFailure, type ToolFailure } from "../mesh/redirect/failure.ts";
import { type Ended, outputLimitBytes, runAlone, runAlongside } from "./program.ts";

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** What is written to its standard input. */
  readonly input?: string;
  /** After this long the process is killed and the command has failed. Default 30 s. */
  readonly timeoutMs?: number;
  /** What this process does until the command has ended; `nothing` is faster. Default `others`: it goes on. */
  readonly meanwhile?: "nothing" | "others";
  /** Who runs it; without, it is started here. */
  readonly run?: (command: Command) => Promise<Outcome>;
}

export type Outcome =
  | { readonly ok: true; readonly stdout: string }
  | { readonly ok: false; readonly failure: Failure };

export interface Failure extends ToolFailure {
  readonly stdout: string;
  readonly notInstalled: boolean;
  readonly cause: unknown;
}

/** The command as a person would type it. */
export function commandLine({ file, args }: Command): string {
  return [file, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}

export const defaultTimeoutMs = 30_000;

function describeEnd(failed: NonNullable<Ended["failed"]>, timeoutMs: number): string {
  if (failed === "not-installed") return "is not installed";
  if (failed === "timeout") return `did not end within ${timeoutMs} ms`;
  return failed === "too-much-output" ? `printed more than ${outputLimitBytes} bytes` : `ended with ${failed.by}`;
}

/** Runs a command; a failure is a value, for those who expect it. */
export async function attempt(command: Command): Promise<Outcome> {
  if (command.run !== undefined) return command.run(command);
  const { input = "", timeoutMs = defaultTimeoutMs } = command;
  const program = { ...command, input, timeoutMs };
  const { failed, ...ended } = command.meanwhile === "nothing" ? runAlone(program) : await runAlongside(program);
  if (failed === undefined) return { ok: true, stdout: ended.stdout };
  const { stdout, stderr, cause } = ended;
  const said = { stdout, stderr, input, cause };
  const notInstalled = failed === "not-installed";
  return {
    ok: false,
    failure: { ...said, command: commandLine(command), ended: describeEnd(failed, timeoutMs), notInstalled },
  };
}

/** The error of a command that failed: its line to paste, how it ended, what it said, what that means. */
export function commandError(failure: Failure): OutriggerError {
  const problem = failure.notInstalled
    ? { field: failure.command, message: failure.ended, remedy: "install it, or add its folder to PATH" }
    : explainFailure(failure);
  return new OutriggerError("APPLY_FAILED", [problem], { cause: failure.cause });
}

/**
 * Runs a command and returns what it printed on standard output.
 *
 * @throws OutriggerError APPLY_FAILED with the command to paste, its exit code or signal, and its standard error
 */
export async function run(command: Command): Promise<string> {
  const outcome = await attempt(command);
  if (!outcome.ok) throw commandError(outcome.failure);
  return outcome.stdout;
}
