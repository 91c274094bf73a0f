import { rm } from "node:fs/promises";
import { join } from "node:path";
import { removeEntries } from "./configuration-folder.ts";
import { pluginType } from "./conflist.ts";
import type { InstallPlan } from "./keep-installed.ts";

/** Why the plugin stays on the node, or that it goes. */
export type EndReason = "superseded" | "agent-returns" | "unknown" | "uninstalled";

/**
 * Whether the end of this agent is the end of Outrigger on the node. A restart, an upgrade or a reboot leaves the plugin
 * in the chain: meshed Pods then wait for the next agent, where without the plugin they would bypass the mesh. Nobody
 * asks when the API server does not answer: then it stays too.
 */
export async function endReason(
  isCurrent: () => Promise<boolean>,
  isInstalled: () => Promise<boolean>,
): Promise<EndReason> {
  if (!(await isCurrent())) return "superseded";
  try {
    return (await isInstalled()) ? "agent-returns" : "uninstalled";
  } catch {
    return "unknown";
  }
}

/** Entry first, program last: no runtime may find a chain that names a missing program. Returns the files that changed. */
export async function uninstall({ configurationFolder, programFolder }: InstallPlan): Promise<string[]> {
  const files = await removeEntries(configurationFolder);
  await rm(join(programFolder, pluginType), { force: true });
  return files;
}
