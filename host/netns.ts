import { existsSync, readFileSync } from "node:fs";
import type { Command, Outcome } from "./command.ts";

/** A network namespace: the one that this process is in, or the one of a file such as /run/netns/NAME. */
export interface NetworkNamespace {
  readonly path?: string;
  /** How commands are run in it, for those who have a better way than nsenter. */
  readonly run?: (command: Command) => Promise<Outcome>;
}

export const ownNamespace: NetworkNamespace = {};

/** The command that runs another one in the namespace of a file. nsenter becomes that: it costs no process of its own. */
export function throughNsenter(path: string, command: Command): Command {
  return { ...command, file: "nsenter", args: [`--net=${path}`, "--", command.file, ...command.args] };
}

/**
 * The command, run in the namespace. Who works in its own namespace is there for that alone, as the init container is, and
 * stands still meanwhile.
 */
export function within({ path, run }: NetworkNamespace, command: Command): Command {
  if (run !== undefined) return { ...command, run };
  return path === undefined ? { ...command, meanwhile: "nothing" } : throughNsenter(path, command);
}

/**
 * A file below /proc/net as it is in the namespace: its text, `absent` where the kernel has no such file, or `unknown` where
 * only a process inside could read it.
 */
export function readProcNet({ path }: NetworkNamespace, name: string): { text: string } | "absent" | "unknown" {
  const file = `/proc/net/${name}`;
  if (!existsSync(file)) return "absent";
  if (path !== undefined) return "unknown";
  try {
    return { text: readFileSync(file, "utf8") };
  } catch {
    return "unknown";
  }
}
