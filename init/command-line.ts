import type { Command } from "commander";
import { OutriggerError, type Problem } from "../mesh/errors.ts";
import type { Reading } from "../mesh/reading.ts";
import {
  type CaptureSetting,
  type CaptureSettingName,
  captureSettingTable,
  fromVariables,
  type GivenText,
  ownVariable,
} from "../mesh/redirect/capture-setting.ts";
import { settingProblems } from "../mesh/redirect/resolve.ts";
import { captureFlagGroups, type FlagDescription } from "./flags.ts";
import { type Operation, type OperationFlagName, operationFlags } from "./operation.ts";

type Variables = Pick<CaptureSetting<unknown>, "variables" | "emptyCounts">;

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

/** The variables that set a flag that is no capture setting. */
function operationVariables({ flag, variable }: { flag: string; variable: boolean }): string[] {
  return variable ? [ownVariable(flag)] : [];
}

/** Adds every flag to the command, grouped by subject. */
export function withFlags(command: Command, names: readonly OperationFlagName[]): Command {
  for (const { title, flags } of captureFlagGroups) {
    command.optionsGroup(title);
    for (const [name, description] of Object.entries(flags)) {
      const { flag, default: byDefault, variables } = captureSettingTable[name as CaptureSettingName];
      command.option(optionSyntax(flag, description), optionHelp(description.help, byDefault, variables));
    }
  }
  for (const name of names) {
    const operation: FlagDescription & { flag: string; group: string; default: string; variable: boolean } =
      operationFlags[name];
    command.optionsGroup(operation.group);
    const help = optionHelp(operation.help, operation.default, operationVariables(operation));
    command.option(optionSyntax(operation.flag, operation), help);
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

/** The text that was given for a flag: on the command line, else in a variable. */
function givenText(flag: string, setting: Variables, flags: Flags, env: Environment): GivenText | undefined {
  const onLine = flags[flag];
  if (onLine !== undefined) return { text: onLine === true ? "true" : onLine, field: `--${flag}` };
  const found = fromVariables(setting, (name) => env[name]);
  return found === undefined ? undefined : { text: found.text, field: found.variable };
}

/** The capture settings that flags and variables give. */
export function givenSettings(flags: Flags, env: Environment): { [name in CaptureSettingName]?: GivenText } {
  const given: { [name in CaptureSettingName]?: GivenText } = {};
  for (const name of Object.keys(captureSettingTable) as CaptureSettingName[]) {
    const setting = captureSettingTable[name];
    const text = givenText(setting.flag, setting, flags, env);
    if (text !== undefined) given[name] = text;
  }
  return given;
}

/**
 * What to do, from flags and variables.
 * @throws OutriggerError BAD_FLAG or BAD_CONFIGURATION with every value that is wrong, of capture settings too
 */
export function operationOf(flags: Flags, env: Environment): Operation {
  const problems: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, operation] of Object.entries(operationFlags)) {
    const variables = operationVariables(operation);
    const given = givenText(operation.flag, { variables, emptyCounts: false }, flags, env);
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
  if (problems.length > 0) {
    const all = [...problems, ...settingProblems(givenSettings(flags, env))];
    throw new OutriggerError(onLine ? "BAD_FLAG" : "BAD_CONFIGURATION", all);
  }
  return values as Operation;
}
