import { chmod, copyFile, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { bundle, bundleInit } from "./bundle.ts";
import type { ImageFile, Layer } from "./file.ts";
import { cniPrograms } from "./go-program.ts";
import { cniImage, initImage, webhookImage } from "./images.ts";

async function writeInto(root: string, file: ImageFile): Promise<void> {
  const path = join(root, file.path);
  if ("directoryMode" in file) {
    await mkdir(path, { recursive: true });
    return chmod(path, file.directoryMode);
  }
  await mkdir(dirname(path), { recursive: true });
  if ("linkTo" in file) return symlink(file.linkTo, path);
  if ("copyOf" in file) await copyFile(file.copyOf, path);
  else await writeFile(path, file.content);
  await chmod(path, file.mode ?? 0o644);
}

/** Lays an image's files out as a folder, later layers over earlier ones. */
export async function writeRoot(layers: readonly Layer[], root: string): Promise<void> {
  for (const file of layers.flat()) await writeInto(root, file);
}

/** The Containerfile's last build step. usage: node root-folders.ts FOLDER */
if (import.meta.main) {
  const target = process.argv[2] ?? "";
  const [bundled, bundledInit] = ["/tmp/bundle", "/tmp/bundle-init"];
  await bundle(bundled);
  await bundleInit(bundledInit);
  await writeRoot((await webhookImage(packageJson.version, bundled)).layers, join(target, "outrigger"));
  await writeRoot((await initImage(packageJson.version, bundledInit)).layers, join(target, "init"));
  const programs = await cniPrograms();
  await writeRoot((await cniImage(packageJson.version, bundled, programs)).layers, join(target, "cni"));
}
