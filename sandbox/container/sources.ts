import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImageFile } from "../image/table.ts";
import type { ContainerSpec, VolumeMountSpec } from "../pod/container-schema.ts";
import type { PodContext } from "../pod/context.ts";
import type { WrittenVolume } from "../volume/write.ts";
import { ContainerConfigError } from "./environment.ts";
import { expand } from "./expansion.ts";
import type { PlacedSource } from "./file-system.ts";

async function isDirectory(path: string): Promise<boolean | undefined> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => undefined,
  );
}

function subPathOf({ subPath, subPathExpr }: VolumeMountSpec, environment: ReadonlyMap<string, string>): string {
  const path = subPathExpr === undefined ? (subPath ?? "") : expand(subPathExpr, environment);
  if (path.startsWith("/") || path.split("/").includes("..")) {
    throw new ContainerConfigError(`subPath "${path}" leads out of the volume`);
  }
  return path;
}

async function volumeSource(
  mount: VolumeMountSpec,
  volume: WrittenVolume | undefined,
  environment: ReadonlyMap<string, string>,
): Promise<PlacedSource> {
  if (volume === undefined) throw new ContainerConfigError(`volumeMount names no volume of the Pod: "${mount.name}"`);
  const subPath = subPathOf(mount, environment);
  const source = join(volume.path, subPath);
  let directory = subPath === "" ? volume.isDirectory : await isDirectory(source);
  if (directory === undefined) {
    if (volume.readOnly) throw new ContainerConfigError(`volume "${mount.name}" has no ${subPath}`, "FailedMount");
    await mkdir(source, { recursive: true });
    // As the kubelet makes it: with the permissions of the volume.
    await chmod(source, (await stat(volume.path)).mode & 0o7777);
    directory = true;
  }
  return { source, target: mount.mountPath, isDirectory: directory, readOnly: mount.readOnly || volume.readOnly };
}

async function imageSource({ source, target }: ImageFile): Promise<PlacedSource> {
  const directory = await isDirectory(source);
  if (directory === undefined) throw new ContainerConfigError(`${source} is missing on this machine`, "ErrImagePull");
  return { source, target, isDirectory: directory, readOnly: true };
}

/** What is mounted into a container besides what all have: /etc files, termination log, the image's files, volumes. */
export async function containerSources(
  container: ContainerSpec,
  { folder, volumes }: PodContext,
  files: readonly ImageFile[],
  environment: ReadonlyMap<string, string>,
): Promise<{ sources: PlacedSource[]; terminationLog: string }> {
  const terminationLog = join(folder, "termination", container.name);
  await mkdir(join(folder, "termination"), { recursive: true });
  await writeFile(terminationLog, "");
  await chmod(terminationLog, 0o666);
  const own = ["hosts", "hostname", "resolv.conf"].map(
    (name): PlacedSource => ({
      source: join(folder, name),
      target: `/etc/${name}`,
      isDirectory: false,
      readOnly: false,
    }),
  );
  const log = { source: terminationLog, target: container.terminationMessagePath, isDirectory: false, readOnly: false };
  const image = await Promise.all(files.map(imageSource));
  const mounts = await Promise.all(
    container.volumeMounts.map((mount) => volumeSource(mount, volumes.get(mount.name), environment)),
  );
  const taken = new Set(mounts.map(({ target }) => target));
  const base = [...own, log, ...image].filter(({ target }) => !taken.has(target));
  return { sources: [...base, ...mounts], terminationLog };
}
