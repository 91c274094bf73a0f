import { Command } from "commander";
import { describeProblem } from "../mesh/errors.ts";
import { compile } from "../mesh/redirect/compile.ts";
import { resolveHere } from "./capture.ts";
import { flagsOf, givenSettings, operationOf, withFlags } from "./command-line.ts";
import { commandInputs, writeDryRunFile } from "./dry-run.ts";
import { examples } from "./help.ts";
import type { OperationFlagName } from "./operation.ts";

const operationFlagNames: readonly OperationFlagName[] = ["dryRun", "nativeNftables"];

async function run(options: Readonly<Record<string, unknown>>): Promise<void> {
  const { env } = process;
  const flags = flagsOf(options);
  const operation = operationOf(flags, env);
  const { config, warnings } = resolveHere(givenSettings(flags, env), env);
  for (const warning of warnings) process.stderr.write(`warning: ${describeProblem(warning)}\n`);
  const ruleSet = compile(config);
  if (operation.dryRun) {
    const inputs = commandInputs(ruleSet, operation.nativeNftables);
    for (const { input } of inputs) process.stdout.write(input);
    const file = env.DRY_RUN_FILE_PATH;
    if (file !== undefined && file !== "") writeDryRunFile(file, inputs);
    return;
  }
  const { applyRules } = await import("../host/apply.ts");
  await applyRules(commandInputs(ruleSet, operation.nativeNftables), ruleSet);
}

/** `outrigger init`: writes the capture rules into the network namespace that it runs in. */
export function command(): Command {
  const init = new Command("init").description(
    "Write the rules that steer a Pod's traffic through its sidecar. Run by the istio-init container.",
  );
  return withFlags(init, operationFlagNames).addHelpText("after", examples).action(run);
}
