import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { parse } from "yaml";
import { type InstallSettings, installSettings } from "../deploy/settings.ts";
import { OutriggerError } from "../mesh/errors.ts";

/** The options of every subcommand that works from an installation's settings. */
export interface SettingsOptions {
  readonly filename?: string;
  readonly set: readonly string[];
  readonly revision?: string;
  readonly tag: readonly string[];
  readonly namespace?: string;
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

export function withSettingsOptions(command: Command): Command {
  return command
    .option("-f, --filename <file>", "a YAML file of settings; `-` is standard input")
    .option("--set <path=value>", "one setting, such as webhook.failurePolicy=Fail (repeatable)", collect, [])
    .option("--revision <name>", "the revision; the default one has no name of its own")
    .option(
      "--tag <name>",
      "another name for the revision; `default` makes it serve istio-injection=enabled",
      collect,
      [],
    )
    .option("-n, --namespace <name>", "where Outrigger's own Pods run (default: outrigger-system)");
}

type Tree = Record<string, unknown>;

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(field: string, value: string, message: string, cause?: unknown): OutriggerError {
  return new OutriggerError("BAD_FLAG", [{ field, value, message }], { cause });
}

function readSettings(filename: string): Tree {
  try {
    const content: unknown = parse(readFileSync(filename === "-" ? 0 : filename, "utf8"));
    if (content === null || content === undefined) return {};
    if (isTree(content)) return content;
  } catch (error) {
    throw wrong("--filename", filename, `cannot be read: ${(error as Error).message}`, error);
  }
  throw wrong("--filename", filename, "holds no settings: its top must be a mapping");
}

/** Puts `a.b.c=value` into the tree; the value is read as YAML, so `true` and `3` are no strings. */
function setPath(tree: Tree, assignment: string): Tree {
  const separator = assignment.indexOf("=");
  if (separator < 1) throw wrong("--set", assignment, "is not of the form path=value");
  const put = (node: Tree, [head = "", ...rest]: readonly string[]): Tree => {
    if (rest.length === 0) return { ...node, [head]: parse(assignment.slice(separator + 1)) as unknown };
    const child = node[head];
    return { ...node, [head]: put(isTree(child) ? child : {}, rest) };
  };
  return put(tree, assignment.slice(0, separator).split("."));
}

/**
 * The settings that the options amount to: file, then --set, then the flags of their own.
 * @throws OutriggerError BAD_FLAG or BAD_CONFIGURATION
 */
export function settingsFrom(options: SettingsOptions): InstallSettings {
  const { filename, revision, tag: tags, namespace } = options;
  const tree = options.set.reduce(setPath, filename === undefined ? {} : readSettings(filename));
  return installSettings({
    ...tree,
    ...(revision !== undefined && { revision }),
    ...(tags.length > 0 && { tags }),
    ...(namespace !== undefined && { namespace }),
  });
}
