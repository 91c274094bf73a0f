import { type Command, InvalidArgumentError } from "commander";

export const defaultName = "default";

function sandboxName(text: string): string {
  if (/^[a-z0-9](?:[-a-z0-9]{0,38}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError("It must be lower-case letters, digits and -, at most 40.");
}

export function seconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) <= 3600) return Number(text);
  throw new InvalidArgumentError("It must be a number of seconds, at most 3600.");
}

export function collect<T>(read: (text: string) => T): (text: string, before: readonly T[] | undefined) => T[] {
  return (text, before) => [...(before ?? []), read(text)];
}

/** The option that all sandbox commands have. */
export function withName(command: Command): Command {
  return command.option("--name <name>", "which sandbox; several may be up at once", sandboxName, defaultName);
}

export const namespaceOption = [
  "-n, --namespace <name>",
  "the Pod's namespace; needed only when two have such a Pod",
] as const;

/** How long Pods get to end when a sandbox is taken down, in seconds. */
export const defaultGraceSeconds = 3;
