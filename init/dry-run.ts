import { writeFileSync } from "node:fs";
import type { IpFamily } from "../mesh/address.ts";
import { describeProblem, OutriggerError } from "../mesh/errors.ts";
import { captureSettingTable } from "../mesh/redirect/capture-setting.ts";
import { compile } from "../mesh/redirect/compile.ts";
import { printIptables, printRule } from "../mesh/redirect/iptables.ts";
import { nftablesRules, printNftables } from "../mesh/redirect/nftables.ts";
import { printExpression } from "../mesh/redirect/nftables-expression.ts";
import { nftChain } from "../mesh/redirect/nftables-layout.ts";
import type { ResolvedCapture } from "../mesh/redirect/resolve.ts";
import type { Reason, Rule, RuleSet } from "../mesh/redirect/rule.ts";
import type { Environment } from "./command-line.ts";
import type { Operation } from "./operation.ts";
import { printReport } from "./report.ts";

/** A text and the command that would get it on standard input. */
export interface CommandInput {
  readonly command: string;
  readonly input: string;
}

const restoreCommands: Readonly<Record<IpFamily, string>> = { IPv4: "iptables-restore", IPv6: "ip6tables-restore" };

/** What a run in a fresh namespace would give to which command. */
export function commandInputs(ruleSet: RuleSet, nativeNftables: boolean): CommandInput[] {
  if (nativeNftables) return [{ command: "nft -f -", input: printNftables(ruleSet) }];
  return ruleSet.families.map((family) => ({
    command: `${restoreCommands[family]} --noflush`,
    input: printIptables(ruleSet, family),
  }));
}

function describeReason({ setting, purpose }: Reason): string {
  return setting === undefined ? purpose : `${purpose} (--${captureSettingTable[setting].flag})`;
}

/** Each rule with its reason, in the order in which rules are added. */
function explanation(ruleSet: RuleSet, nativeNftables: boolean): string {
  const rules = nativeNftables ? nftablesRules(ruleSet) : ruleSet.rules;
  const line = (rule: Rule) => (nativeNftables ? `${nftChain(rule.chain)} ${printExpression(rule)}` : printRule(rule));
  return rules
    .map((rule) => `${rule.table} ${line(rule)}\n    ${rule.families.join(", ")}: ${describeReason(rule.reason)}\n`)
    .join("");
}

function writeDryRunFile(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const problem = {
      field: "DRY_RUN_FILE_PATH",
      value: path,
      message: `cannot be written: ${(error as Error).message}`,
    };
    throw new OutriggerError("BAD_CONFIGURATION", [problem], { cause: error });
  }
}

function printText({ config, warnings }: ResolvedCapture, { explain, nativeNftables }: Operation): void {
  for (const warning of warnings) process.stderr.write(`warning: ${describeProblem(warning)}\n`);
  const ruleSet = compile(config);
  if (explain) process.stdout.write(explanation(ruleSet, nativeNftables));
  for (const { command, input } of explain ? [] : commandInputs(ruleSet, nativeNftables)) {
    process.stderr.write(`# ${command}\n`);
    process.stdout.write(input);
  }
}

/**
 * Prints what would be written, and runs nothing. Standard output has the texts alone, in the form that the commands
 * take; which command would get which text stands on standard error.
 */
export function printDryRun(capture: ResolvedCapture, operation: Operation, env: Environment): void {
  const inputs = commandInputs(compile(capture.config), operation.nativeNftables);
  const file = env.DRY_RUN_FILE_PATH ?? "";
  if (file !== "") writeDryRunFile(file, inputs.map(({ input }) => input).join(""));
  if (operation.output === "json") printReport({ ...capture, dryRun: inputs }, "json");
  else printText(capture, operation);
}
