import { type ExecaError, execa } from "execa";
import { OutriggerError } from "../mesh/errors.ts";

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** What is written to its standard input. */
  readonly input?: string;
  /** After this long the process is killed and the command has failed. Default 30 s. */
  readonly timeoutMs?: number;
}

/** The command as a person would type it. */
export function commandLine({ file, args }: Command): string {
  return [file, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}

function remedyFor({ code, stderr }: ExecaError): string | undefined {
  if (code === "ENOENT") return "install it, or add its folder to PATH";
  if (/permission denied|not permitted|must be root/i.test(String(stderr))) return "run with the capability NET_ADMIN";
  return undefined;
}

/**
 * Runs a command and returns what it printed on standard output.
 *
 * @throws OutriggerError APPLY_FAILED with the command to paste, its exit code or signal, and its standard error
 */
export async function run(command: Command): Promise<string> {
  const { file, args, input = "", timeoutMs = 30_000 } = command;
  const result = await execa(file, args, { input, timeout: timeoutMs, reject: false, stripFinalNewline: false });
  if (!result.failed) return result.stdout;
  const error = result as unknown as ExecaError;
  const ended = error.timedOut
    ? `did not end within ${timeoutMs} ms`
    : error.code === "ENOENT"
      ? "is not installed"
      : `ended with ${error.signal ?? `exit code ${error.exitCode}`}: ${String(error.stderr).trim()}`;
  const remedy = remedyFor(error);
  const problem = { field: commandLine(command), message: ended, ...(remedy === undefined ? {} : { remedy }) };
  throw new OutriggerError("APPLY_FAILED", [problem], { cause: error });
}
