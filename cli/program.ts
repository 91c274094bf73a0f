import { Command, CommanderError } from "commander";
import { OutriggerError } from "../mesh/errors.ts";
import { version } from "../mesh/version.ts";

/** A subcommand: what `outrigger --help` says of it, and its code, loaded only when it runs. */
export interface Subcommand {
  readonly summary: string;
  readonly load: () => Promise<{ command: (args: readonly string[]) => Command }>;
}

export type Subcommands = Readonly<Record<string, Subcommand>>;

const exitCodes = { usage: 255, unexpected: 1 } as const;

/** The nearest thing to commander's own refusal, which needs every subcommand loaded to know their names. */
function refuseUnknown(name: string, subcommands: Subcommands): never {
  throw new OutriggerError("BAD_FLAG", [
    {
      field: "command",
      value: name,
      message: "is not one of outrigger's commands",
      remedy: `use one of: ${Object.keys(subcommands).join(", ")}`,
    },
  ]);
}

/** Gives a command and all below it the settings of the one above, such as how errors end. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}

/** Builds the program with only the named subcommand loaded: init must not pay for Fastify's import. */
async function program(args: readonly string[], subcommands: Subcommands): Promise<Command> {
  const name = args[0] === "help" ? args[1] : args[0];
  const root = new Command("outrigger")
    .description("A service mesh for Kubernetes: inject sidecars, capture traffic, look into both.")
    .version(version)
    .exitOverride()
    .showHelpAfterError("Run with --help for the flags and examples.");
  for (const [key, subcommand] of Object.entries(subcommands)) {
    const built = key === name ? (await subcommand.load()).command(args) : new Command(key);
    root.addCommand(inherit(built.name(key).summary(subcommand.summary), root));
  }
  return root;
}

/** Prints an error for a person; a stack trace only for a defect of ours. Returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  if (error instanceof OutriggerError) {
    process.stderr.write(`outrigger: ${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`outrigger: unexpected error, please report it\n${(error as Error).stack ?? String(error)}\n`);
  return exitCodes.unexpected;
}

/** Whoever reads our output may stop early (`outrigger inject … | head`): that ends the command, and is no error. */
function endWhenNobodyReads(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
}

/** Runs the command line `args` (without the interpreter and script) and sets the process's exit code. */
export async function runProgram(subcommands: Subcommands, args: readonly string[]): Promise<void> {
  endWhenNobodyReads();
  try {
    const [name] = args;
    const known = name === undefined || name.startsWith("-") || name === "help" || name in subcommands;
    if (!known) refuseUnknown(name, subcommands);
    await (await program(args, subcommands)).parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = report(error);
  }
}
