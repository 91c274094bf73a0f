import { Command } from "commander";
import { flagsOf, withFlags } from "./command-line.ts";
import { examples, verifyExamples } from "./help.ts";
import { type OperationFlagName, operationFlags } from "./operation.ts";

const verifyFlagNames: readonly OperationFlagName[] = [
  "fromPod",
  "cniMode",
  "output",
  "nativeNftables",
  "forceIptablesBinary",
  "networkNamespace",
];

type Options = Readonly<Record<string, unknown>>;

/** Its flags are as many as those of init itself, so they are there only where the command line names it. */
function verifyCommand(args: readonly string[]): Command {
  const verify = new Command("verify").description(
    "Compare the live rules, of both families and in every backend, with what the same flags of init compile to.",
  );
  if (!args.includes(verify.name())) return verify;
  return withFlags(verify, verifyFlagNames)
    .addHelpText("after", verifyExamples)
    .action(async (_options: Options, command: Command) => {
      const { runVerify } = await import("./run.ts");
      await runVerify(flagsOf(command.optsWithGlobals()), process.env);
    });
}

/** `outrigger init`: writes the capture rules into the network namespace that it runs in. `args` is the command line. */
export function command(args: readonly string[]): Command {
  const init = new Command("init").description(
    "Write the rules that steer a Pod's traffic through its sidecar. Run by the istio-init container.",
  );
  return withFlags(init, Object.keys(operationFlags) as OperationFlagName[])
    .addHelpText("after", examples)
    .addCommand(verifyCommand(args))
    .action(async (options: Options) => {
      const { runInit } = await import("./run.ts");
      await runInit(flagsOf(options), process.env);
    });
}
