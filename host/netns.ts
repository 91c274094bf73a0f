import { existsSync, readFileSync } from "node:fs";
import type { Command } from "./command.ts";

/** A network namespace: the one that this process is in, or the one of a file such as /run/netns/NAME. */
export interface NetworkNamespace {
  readonly path?: string;
}

export const ownNamespace: NetworkNamespace = {};

/**
 * The command, run in the namespace. nsenter becomes the command: it costs no process of its own. Who works in its own
 * namespace is there for that alone, as the init container is, and stands still meanwhile.
 */
export function within({ path }: NetworkNamespace, command: Command): Command {
  if (path === undefined) return { ...command, meanwhile: "nothing" };
  return { ...command, file: "nsenter", args: [`--net=${path}`, "--", command.file, ...command.args] };
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
