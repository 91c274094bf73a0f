import { chmod, chown, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ContainerConfigError } from "../container/environment.ts";
import type { VolumePlan } from "./plan.ts";

/** A volume that is there: where, and whether it may be written. */
export interface WrittenVolume {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly readOnly: boolean;
}

async function writeFiles(folder: string, files: Extract<VolumePlan, { type: "files" }>["files"], group?: number) {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const { path, mode, content } of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    // As the kubelet does with fsGroup: the group may read what the owner may.
    await writeFile(file, content, { mode });
    await chmod(file, group === undefined ? mode : mode | 0o040);
    if (group !== undefined) await chown(file, 0, group);
  }
}

async function writeScratch(folder: string, group?: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (group !== undefined) await chown(folder, 0, group);
  await chmod(folder, group === undefined ? 0o777 : 0o2777);
}

async function hostVolume(name: string, path: string): Promise<WrittenVolume> {
  try {
    return { path, isDirectory: (await stat(path)).isDirectory(), readOnly: true };
  } catch (error) {
    const message = `volume "${name}": hostPath ${path} cannot be used: ${(error as Error).message}`;
    throw new ContainerConfigError(message, "FailedMount");
  }
}

/** Makes a Pod's volumes below `folder`; `group` is its fsGroup. */
export async function writeVolumes(
  plans: readonly VolumePlan[],
  folder: string,
  group: number | undefined,
): Promise<ReadonlyMap<string, WrittenVolume>> {
  const written = new Map<string, WrittenVolume>();
  for (const plan of plans) {
    const path = join(folder, plan.name);
    if (plan.type === "host") {
      written.set(plan.name, await hostVolume(plan.name, plan.path));
      continue;
    }
    if (plan.type === "files") await writeFiles(path, plan.files, group);
    else await writeScratch(path, group);
    written.set(plan.name, { path, isDirectory: true, readOnly: plan.type === "files" });
  }
  return written;
}
