import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import packageJson from "../../package.json" with { type: "json" };
import { writeArchive } from "./archive.ts";
import { billOfMaterials, debianComponents, nodeComponent, npmComponents } from "./bill-of-materials.ts";
import { bundle, bundleInit } from "./bundle.ts";
import { type Image, reference } from "./file.ts";
import { cniPrograms } from "./go-program.ts";
import { cniImage, initImage, webhookImage } from "./images.ts";

const root = join(import.meta.dirname, "..", "..");
const output = join(root, "dist", "images");
const engines = ["docker", "podman", "buildah"] as const;
type Builder = (typeof engines)[number] | "archive";

/** The Containerfile's targets, by image. */
const targets: Readonly<Record<string, string>> = {
  "docker.io/outrigger/outrigger": "outrigger",
  "docker.io/outrigger/init": "init",
  "docker.io/outrigger/cni": "cni",
};

/** The first engine that answers, or our own archives, which need none. */
async function availableBuilder(): Promise<Builder> {
  for (const engine of engines) {
    const answer = await execa(engine, ["info"], { reject: false, timeout: 10_000 });
    if (answer.exitCode === 0) return engine;
  }
  return "archive";
}

/** Builds with an engine from the Containerfile: its base image comes from a registry, pinned by digest. */
async function buildWithEngine(engine: string, image: Image): Promise<void> {
  const target = targets[image.repository] ?? "";
  const file = join(root, "deploy", "images", "Containerfile");
  const args = ["build", "--file", file, "--target", target, "--tag", reference(image), root];
  await execa(engine, args, { stdout: "inherit", stderr: "inherit" });
}

/** Writes a docker-archive from this machine's own files, which are Debian's. */
async function buildArchive(image: Image, name: string): Promise<void> {
  const file = join(output, `${name}.tar`);
  await writeArchive(image, file, join(output, "layers"));
  process.stdout.write(`${reference(image)}  ${file}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { builder: { type: "string" } } });
  const builder = values.builder ?? (await availableBuilder());
  const bundled = join(root, "dist", "bundle");
  const bundledInit = join(root, "dist", "bundle-init");
  const allPackages = await bundle(bundled);
  const initPackages = await bundleInit(bundledInit);
  await mkdir(output, { recursive: true });
  const { version } = packageJson;
  for (const { image, packages } of [
    { image: await webhookImage(version, bundled), packages: allPackages },
    { image: await initImage(version, bundledInit), packages: initPackages },
    { image: await cniImage(version, bundled, await cniPrograms()), packages: allPackages },
  ]) {
    const name = targets[image.repository] ?? "image";
    if (builder === "archive") await buildArchive(image, name);
    else await buildWithEngine(builder, image);
    const components = [nodeComponent(), ...(await npmComponents(packages)), ...(await debianComponents(image))];
    const bill = billOfMaterials(image, components);
    await writeFile(join(output, `${name}.cdx.json`), `${JSON.stringify(bill, undefined, 2)}\n`);
  }
}

await main();
