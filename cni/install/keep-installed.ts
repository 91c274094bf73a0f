import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { copyExecutable } from "./atomic-file.ts";
import { type ChainState, ensureEntry } from "./configuration-folder.ts";
import { type PluginEntry, pluginType } from "./conflist.ts";
import { watchFolders } from "./watch-folders.ts";

/** What stands where on the node. */
export interface InstallPlan {
  /** The plugin's executable in this image. */
  readonly program: string;
  /** Where the runtime looks for plugins: /opt/cni/bin. */
  readonly programFolder: string;
  /** Where the runtime looks for its network: /etc/cni/net.d. */
  readonly configurationFolder: string;
  readonly entry: PluginEntry;
}

export type InstallState = ChainState & { readonly programWritten: boolean };

/** Program first, entry last: a runtime that reads the chain finds all that it names. */
export async function install(plan: InstallPlan): Promise<InstallState> {
  const programWritten = await copyExecutable(plan.program, join(plan.programFolder, pluginType));
  return { ...(await ensureEntry(plan.configurationFolder, plan.entry)), programWritten };
}

export interface KeepOptions {
  /** Whether this agent is the node's; one that a newer agent has taken over from leaves everything to it. */
  readonly isCurrent: () => Promise<boolean>;
  readonly installed: (state: InstallState) => void;
  readonly failed: (error: unknown) => void;
}

/** How often it is looked at even if nothing seems to have changed: watches can miss things. */
const intervalMs = 30_000;
/** Tools write a file in several steps. */
const settleMs = 50;
const longestPauseMs = 30_000;

async function installAndTell(plan: InstallPlan, { isCurrent, installed, failed }: KeepOptions): Promise<boolean> {
  try {
    if (!(await isCurrent())) return false;
    const state = await install(plan);
    installed(state);
    return state.programWritten || state.state === "added";
  } catch (error) {
    failed(error);
    return false;
  }
}

/**
 * Installs, and again whenever somebody undoes it, until the signal. Against a tool that keeps undoing it the pauses grow,
 * so that the two do not wear out the node's disk.
 */
export async function keepInstalled(plan: InstallPlan, options: KeepOptions, signal: AbortSignal): Promise<void> {
  const folders = watchFolders([plan.programFolder, plan.configurationFolder]);
  let pauseMs = settleMs;
  while (!signal.aborted) {
    folders.open();
    const wrote = await installAndTell(plan, options);
    pauseMs = wrote ? Math.min(pauseMs * 2, longestPauseMs) : settleMs;
    await folders.changed(intervalMs, signal);
    await delay(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
  folders.close();
}
