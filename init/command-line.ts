import type { Command } from "commander";
import { OutriggerError, type Problem } from "../mesh/errors.ts";
import type { Reading } from "../mesh/reading.ts";
import { type CaptureSettingName, captureSettingTable, type GivenText } from "../mesh/redirect/capture-setting.ts";
import { captureFlagGroups, captureFlags, type FlagDescription, variablesOf } from "./flags.ts";
import { type Operation, type OperationFlagName, operationFlags } from "./operation.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The flags on the command line, by long name: the text of each, `true` for a truth value without one. */
export type Flags = Readonly<Record<string, string | true | undefined>>;

function optionSyntax(flag: string, { short, value }: FlagDescription): string {
  return `${short === undefined ? "" : `-${short}, `}--${flag} ${value ?? "[boolean]"}`;
}

function optionHelp(help: string, byDefault: string, variables: readonly string[]): string {
  const shown = byDefault === "" || byDefault === "false" ? [] : [`default: ${byDefault}`];
  const set = variables.length === 0 ? [] : [`env: ${variables.join(", ")}`];
  const notes = [...shown, ...set];
  return notes.length === 0 ? help : `${help} (${notes.join("; ")})`;
}

/** Adds every flag to the command, grouped by subject. */
export function withFlags(command: Command, names: readonly OperationFlagName[]): Command {
  for (const { title, flags } of captureFlagGroups) {
    command.optionsGroup(title);
    for (const [name, description] of Object.entries(flags)) {
      const { flag, default: byDefault } = captureSettingTable[name as CaptureSettingName];
      const help = optionHelp(description.help, byDefault, variablesOf(flag, description));
      command.option(optionSyntax(flag, description), help);
    }
  }
  for (const name of names) {
    const operation: FlagDescription & { flag: string; group: string; default: string; variable: boolean } =
      operationFlags[name];
    command.optionsGroup(operation.group);
    const variables = operation.variable ? variablesOf(operation.flag, operation) : [];
    command.option(optionSyntax(operation.flag, operation), optionHelp(operation.help, operation.default, variables));
  }
  return command;
}

/** commander's options by long flag: it names them in camel case. */
export function flagsOf(options: Readonly<Record<string, unknown>>): Flags {
  const dashed = (name: string) => name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [dashed(name), value === true ? true : String(value)]),
  );
}

/** The text that was given for a flag: on the command line, else in a variable that is not empty. */
function givenText(flag: string, variables: readonly string[], flags: Flags, env: Environment): GivenText | undefined {
  const onLine = flags[flag];
  if (onLine !== undefined) return { text: onLine === true ? "true" : onLine, field: `--${flag}` };
  const variable = variables.find((name) => env[name] !== undefined && env[name] !== "");
  return variable === undefined ? undefined : { text: env[variable] ?? "", field: variable };
}

/** Settings that may be set to nothing by a variable: no group at all. */
const emptyCounts: readonly CaptureSettingName[] = ["ownerGroups"];

/** The capture settings that flags and variables give. */
export function givenSettings(flags: Flags, env: Environment): { [name in CaptureSettingName]?: GivenText } {
  const given: { [name in CaptureSettingName]?: GivenText } = {};
  for (const [name, description] of Object.entries(captureFlags) as [CaptureSettingName, FlagDescription][]) {
    const { flag } = captureSettingTable[name];
    const variables = variablesOf(flag, description);
    const text = givenText(flag, variables, flags, env);
    const empty = emptyCounts.includes(name) ? variables.find((variable) => env[variable] === "") : undefined;
    if (text !== undefined) given[name] = text;
    else if (empty !== undefined) given[name] = { text: "", field: empty };
  }
  return given;
}

/**
 * What to do, from flags and variables.
 * @throws OutriggerError BAD_FLAG or BAD_CONFIGURATION with every value that is wrong
 */
export function operationOf(flags: Flags, env: Environment): Operation {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, operation] of Object.entries(operationFlags)) {
    const variables = operation.variable ? variablesOf(operation.flag, operation) : [];
    const given = givenText(operation.flag, variables, flags, env);
    const value = given?.text ?? operation.default;
    const reading: Reading<unknown> = operation.read(value);
    if (reading.ok) values[name] = reading.value;
    else
      problems.push({
        field: given?.field ?? `--${operation.flag}`,
        value,
        message: reading.message,
        remedy: reading.remedy,
      });
  }
  const onLine = problems.some(({ field }) => field.startsWith("--"));
  if (problems.length > 0) throw new OutriggerError(onLine ? "BAD_FLAG" : "BAD_CONFIGURATION", problems);
  return values as Operation;
}
