import { Command, CommanderError } from "commander";
import { OutriggerError } from "../mesh/errors.ts";
import { version } from "../mesh/version.ts";

/** A subcommand: what `outrigger --help` says of it, and its code, loaded only when it runs. */
interface Subcommand {
  readonly summary: string;
  readonly load: () => Promise<{ command: () => Command }>;
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  install: { summary: "install Outrigger into the cluster", load: () => import("./install.ts") },
  upgrade: {
    summary: "upgrade Outrigger, in place or by a new revision",
    load: async () => ({ command: (await import("./install.ts")).upgradeCommand }),
  },
  uninstall: { summary: "take Outrigger out of the cluster", load: () => import("./uninstall.ts") },
  manifests: { summary: "print an installation's objects as YAML", load: () => import("./manifests.ts") },
  trace: {
    summary: "follow a connection through a Pod's capture rules",
    load: () => import("../init/trace/cli.ts"),
  },
  init: { summary: "write the capture rules of a Pod (run by istio-init)", load: () => import("../init/cli.ts") },
  cni: { summary: "capture from the node: the agent of the CNI plugin", load: () => import("../cni/cli.ts") },
  inject: { summary: "add the sidecar to workloads in YAML files", load: () => import("./inject.ts") },
  sandbox: { summary: "run Pods on this machine, without a cluster", load: () => import("../sandbox/cli.ts") },
  webhook: { summary: "serve the admission webhook that injects Pods", load: () => import("../webhook/cli.ts") },
  uninject: { summary: "take the sidecar out of workloads in YAML files", load: () => import("./uninject.ts") },
  check: { summary: "check a cluster for Outrigger, and Outrigger in it", load: () => import("./check.ts") },
  explain: { summary: "explain whether a Pod gets a sidecar, and why", load: () => import("./explain.ts") },
  discovery: {
    summary: "serve configuration and identity to the mesh's proxies",
    load: () => import("../discovery/cli.ts"),
  },
  "proxy-status": { summary: "show which proxies are in sync", load: () => import("./proxy-status.ts") },
  "proxy-config": { summary: "show what a Pod's Envoy does", load: () => import("./proxy-config.ts") },
};

const exitCodes = { usage: 255, unexpected: 1 } as const;

/** The nearest thing to commander's own refusal, which needs every subcommand loaded to know their names. */
function refuseUnknown(name: string): never {
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
async function program(name: string | undefined): Promise<Command> {
  const root = new Command("outrigger")
    .description("A service mesh for Kubernetes: inject sidecars, capture traffic, look into both.")
    .version(version)
    .exitOverride()
    .showHelpAfterError("Run with --help for the flags and examples.");
  for (const [key, subcommand] of Object.entries(subcommands)) {
    const built = key === name ? (await subcommand.load()).command() : new Command(key);
    root.addCommand(inherit(built.summary(subcommand.summary), root));
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

/** Runs the command line `args` (without the interpreter and script) and sets the process's exit code. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    const [name] = args;
    if (name !== undefined && !name.startsWith("-") && name !== "help" && !(name in subcommands)) refuseUnknown(name);
    await (await program(name)).parseAsync(args, { from: "user" });
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Whoever reads our output may stop early (`outrigger inject … | head`): that ends the command, and is no error. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

await main(process.argv.slice(2));
