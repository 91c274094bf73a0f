import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere, writeAtomically } from "./atomic-file.ts";
import {
  hasEntry,
  hasUsableVersion,
  listFileName,
  type NetworkFile,
  type PluginEntry,
  printList,
  readNetworkFile,
  withEntry,
  withoutEntry,
} from "./conflist.ts";

/** What an attempt to stand in the node's chain came to. */
export type ChainState =
  | { readonly state: "present" | "added"; readonly fileName: string }
  /** No network plugin has written its configuration yet. */
  | { readonly state: "no-network" }
  | { readonly state: "unusable"; readonly fileName: string; readonly cniVersion: string };

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function readFileIn(folder: string, name: string): Promise<NetworkFile | undefined> {
  const text = await readIfThere(join(folder, name));
  return text === undefined ? undefined : readNetworkFile(name, text.toString());
}

/** The configuration that the container runtime takes: the first valid one by name. */
async function firstNetwork(folder: string, names: readonly string[]): Promise<NetworkFile | undefined> {
  for (const name of names) {
    const file = await readFileIn(folder, name);
    if (file !== undefined) return file;
  }
  return undefined;
}

async function replace(folder: string, file: NetworkFile, name: string, content: string): Promise<void> {
  const { mode, uid, gid } = await stat(join(folder, file.fileName));
  await writeAtomically(join(folder, name), content, { mode: mode & 0o777, uid, gid });
  if (name !== file.fileName) await rm(join(folder, file.fileName), { force: true });
}

/** Sees to it that the entry stands last in the chain that the runtime takes. Writes nothing when it does already. */
export async function ensureEntry(folder: string, entry: PluginEntry): Promise<ChainState> {
  const names = await namesIn(folder);
  const file = await firstNetwork(folder, names);
  if (file === undefined) return { state: "no-network" };
  const { fileName } = file;
  if (!hasUsableVersion(file)) return { state: "unusable", fileName, cniVersion: String(file.list.cniVersion) };
  const name = listFileName(file, names);
  const wanted = withEntry(file, entry);
  if (name === fileName && JSON.stringify(file.list) === JSON.stringify(wanted)) return { state: "present", fileName };
  await replace(folder, file, name, printList(wanted));
  return { state: "added", fileName: name };
}

/** Takes the entry out of every chain. Returns the names of the files that had it. */
export async function removeEntries(folder: string): Promise<string[]> {
  const changed: string[] = [];
  for (const name of await namesIn(folder)) {
    const file = await readFileIn(folder, name);
    if (file === undefined || !hasEntry(file)) continue;
    const rest = withoutEntry(file);
    // A chain of Outrigger alone was never a network; the runtime would refuse an empty one.
    if (rest.plugins.length === 0) await rm(join(folder, name), { force: true });
    else await replace(folder, file, name, printList(rest));
    changed.push(name);
  }
  return changed;
}
