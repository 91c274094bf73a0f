import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { listTar, writeArchive } from "./archive.ts";
import type { Image } from "./file.ts";

const image: Image = {
  repository: "docker.io/example/app",
  tag: "1",
  layers: [[{ path: "/etc/app/app.conf", content: "answer = 42\n" }], [{ path: "/usr/bin/app", linkTo: "busybox" }]],
  entrypoint: ["/usr/bin/app"],
  user: "65532:65532",
};

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "outrigger-images-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("an archive holds a manifest, a configuration and the layers", () =>
  inFolder(async (folder) => {
    const file = join(folder, "app.tar");
    await writeArchive(image, file, join(folder, "layers"));
    const [manifest, config, ...layers] = await listTar(file);
    assert.equal(manifest, "manifest.json");
    assert.match(config ?? "", /^[0-9a-f]{64}\.json$/);
    assert.equal(layers.length, 2);
    for (const layer of layers) assert.match(layer, /^[0-9a-f]{64}\/layer\.tar$/);
  }));

test("a layer has its files' folders, parents first", () =>
  inFolder(async (folder) => {
    const file = join(folder, "app.tar");
    await writeArchive(image, file, join(folder, "layers"));
    const digest = (await listTar(file))[2]?.split("/")[0];
    assert.deepEqual(await listTar(join(folder, "layers", `${digest}.tar`)), ["etc/", "etc/app/", "etc/app/app.conf"]);
  }));

test("the same image has the same bytes", () =>
  inFolder(async (folder) => {
    const files = [join(folder, "one.tar"), join(folder, "two.tar")];
    for (const file of files) await writeArchive(image, file, join(folder, "layers"));
    const [one, two] = await Promise.all(files.map((file) => readFile(file)));
    assert.ok(one !== undefined && two !== undefined && one.equals(two));
  }));
