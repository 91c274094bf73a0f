import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { OutriggerError } from "../mesh/errors.ts";

/** Where runtimes mount the network namespaces that they make; one of the two is a link to the other. */
const runtimeFolders = /^\/(?:var\/)?run\/netns\/([A-Za-z0-9][\w.-]{0,254})$/;

/**
 * Where this process sees a network namespace that the runtime named. Only a name below the runtime's folder is taken:
 * rules must never be written into the node's own namespace, or into one that somebody smuggled in by a path.
 *
 * @param folder where the runtime's folder is mounted here
 * @throws OutriggerError BAD_CNI_REQUEST when the path is another one
 */
export function namespaceFile(netns: string, folder: string): string {
  const name = runtimeFolders.exec(netns)?.[1];
  if (name !== undefined) return join(folder, name);
  const message = "is not below /var/run/netns";
  const remedy = "use a container runtime that mounts network namespaces there, such as containerd or CRI-O";
  throw new OutriggerError("BAD_CNI_REQUEST", [{ field: "CNI_NETNS", value: netns, message, remedy }]);
}

/** Checks that a namespace is mounted there, and not a file or link that would lead elsewhere. */
export async function requireNamespace(file: string): Promise<void> {
  const found = await lstat(file).catch(() => undefined);
  if (found?.isFile()) return;
  const message = found === undefined ? "is gone" : "is not a network namespace";
  throw new OutriggerError("BAD_CNI_REQUEST", [{ field: "CNI_NETNS", value: file, message }]);
}
