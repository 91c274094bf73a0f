import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract, type Header, type Pack, pack } from "tar-stream";
import { type Image, type ImageFile, type Layer, reference } from "./file.ts";

const epoch = new Date(0);

/** The folders above the layer's files, parents first; a tar reader creates missing ones with modes of its own. */
function parentFolders(layer: Layer): ImageFile[] {
  const own = new Set(layer.map((file) => file.path));
  const parents = new Set<string>();
  for (const { path } of layer) {
    for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) parents.add(folder);
  }
  return [...parents].filter((path) => !own.has(path)).map((path) => ({ path, directoryMode: 0o755 }));
}

/** An entry's header; what is left out is zero or empty. */
type EntryHeader = Partial<Header> & Pick<Header, "name">;

function header(file: ImageFile): EntryHeader {
  const name = file.path.slice(1);
  const owner = { uid: 0, gid: 0, uname: "", gname: "", mtime: epoch };
  if ("directoryMode" in file) return { ...owner, name: `${name}/`, type: "directory", mode: file.directoryMode };
  if ("linkTo" in file) return { ...owner, name, type: "symlink", linkname: file.linkTo, mode: 0o777 };
  return { ...owner, name, type: "file", mode: file.mode ?? 0o644 };
}

function write(into: Pack, entry: EntryHeader, content?: Buffer | string): Promise<void> {
  return new Promise((resolve, reject) => {
    const head = entry as Header; // its types want every field, its code does not
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (content === undefined) into.entry(head, done);
    else into.entry(head, content, done);
  });
}

async function writeFiles(into: Pack, files: readonly ImageFile[]): Promise<void> {
  for (const file of files) {
    if ("content" in file) await write(into, header(file), file.content);
    else if ("copyOf" in file) await write(into, header(file), await readFile(file.copyOf));
    else await write(into, header(file));
  }
  into.finalize();
}

/** Writes one layer as a tar file named by its digest and returns the digest, in hexadecimal. */
async function writeLayer(layer: Layer, folder: string): Promise<string> {
  const byPath = (a: ImageFile, b: ImageFile) => (a.path < b.path ? -1 : 1);
  const files = [...parentFolders(layer), ...layer].sort(byPath);
  const tar = pack();
  const hash = createHash("sha256");
  tar.on("data", (chunk) => hash.update(chunk as Buffer));
  const draft = join(folder, `layer-${process.pid}-${Math.random().toString(36).slice(2)}.part`);
  await Promise.all([pipeline(tar, createWriteStream(draft)), writeFiles(tar, files)]);
  const digest = hash.digest("hex");
  await rename(draft, join(folder, `${digest}.tar`));
  return digest;
}

function configuration(image: Image, digests: readonly string[]): string {
  const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...image.environment };
  return JSON.stringify({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    created: epoch.toISOString(),
    config: {
      Entrypoint: image.entrypoint,
      Cmd: image.arguments ?? [],
      Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      User: image.user ?? "",
      Labels: image.labels ?? {},
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: digests.map((digest) => `sha256:${digest}`) },
    history: digests.map(() => ({ created: epoch.toISOString(), created_by: "outrigger" })),
  });
}

/**
 * Writes the image as a docker-archive, which `docker load`, `podman load`, `ctr images import` and `kind load
 * image-archive` read. `layerFolder` keeps the layers by digest, so that images can share them.
 */
export async function writeArchive(image: Image, file: string, layerFolder: string): Promise<void> {
  await mkdir(layerFolder, { recursive: true });
  await mkdir(dirname(file), { recursive: true });
  const digests: string[] = [];
  for (const layer of image.layers) digests.push(await writeLayer(layer, layerFolder));

  const config = configuration(image, digests);
  const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
  const names = digests.map((digest) => `${digest}/layer.tar`);
  const manifest = [{ Config: configName, RepoTags: [reference(image)], Layers: names }];
  const plain = { mtime: epoch, mode: 0o644 };

  const tar = pack();
  const written = pipeline(tar, createWriteStream(`${file}.part`));
  await write(tar, { ...plain, name: "manifest.json" }, JSON.stringify(manifest));
  await write(tar, { ...plain, name: configName }, config);
  for (const [index, digest] of digests.entries()) {
    const path = join(layerFolder, `${digest}.tar`);
    const entry = { ...plain, name: names[index] ?? "", size: (await stat(path)).size } as Header;
    await pipeline(createReadStream(path), tar.entry(entry));
  }
  tar.finalize();
  await written;
  await rename(`${file}.part`, file);
}

/** The paths in a tar file, for tests. */
export async function listTar(file: string): Promise<string[]> {
  const paths: string[] = [];
  const reader = extract();
  reader.on("entry", (head, stream, next) => {
    paths.push(head.name);
    stream.on("end", next);
    stream.resume();
  });
  await pipeline(createReadStream(file), reader);
  return paths;
}
