import { type ExecaError, execa } from "execa";
import { OutriggerError } from "../mesh/errors.ts";
import { explainFailure, type ToolFailure } from "../mesh/redirect/failure.ts";

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** What is written to its standard input. */
  readonly input?: string;
  /** After this long the process is killed and the command has failed. Default 30 s. */
  readonly timeoutMs?: number;
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

function failureOf(command: Command, error: ExecaError): Failure {
  const notInstalled = error.code === "ENOENT";
  const ended = error.timedOut
    ? `did not end within ${command.timeoutMs ?? defaultTimeoutMs} ms`
    : notInstalled
      ? "is not installed"
      : `ended with ${error.signal ?? (error.exitCode === undefined ? String(error.code) : `exit code ${error.exitCode}`)}`;
  return {
    command: commandLine(command),
    ended,
    stdout: String(error.stdout ?? ""),
    stderr: String(error.stderr ?? ""),
    input: command.input ?? "",
    notInstalled,
    cause: error,
  };
}

const defaultTimeoutMs = 30_000;

/** Runs a command; a failure is a value, for those who expect it. */
export async function attempt(command: Command): Promise<Outcome> {
  const { file, args, input = "", timeoutMs = defaultTimeoutMs } = command;
  const result = await execa(file, args, { input, timeout: timeoutMs, reject: false, stripFinalNewline: false });
  if (!result.failed) return { ok: true, stdout: result.stdout };
  return { ok: false, failure: failureOf(command, result as unknown as ExecaError) };
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
