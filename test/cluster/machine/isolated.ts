import { join } from "node:path";

const namespaces = ["--net", "--mount", "--pid", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child"];

/**
 * The arguments of `setpriv` that run a command as process 1 of namespaces of its own, with copies of the folders that a
 * node writes to below `state`. It dies with the process that starts it, whatever ends that, and takes all others along.
 */
export function isolated(state: string, ...command: readonly string[]): string[] {
  const inside = ["sh", join(import.meta.dirname, "isolate.sh"), state, ...command];
  return ["--pdeathsig", "KILL", "unshare", ...namespaces, ...inside];
}
