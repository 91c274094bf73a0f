import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { OutriggerError } from "../mesh/errors.ts";
import { readManifestFiles } from "./manifest-files.ts";

test("files are read as they are named, folders by the names of their manifests, not deeper", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "manifest-files-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["b.yml", "a.yaml", "c.json", "README.md"]) writeFileSync(join(folder, name), `# ${name}`);
  mkdirSync(join(folder, "deeper"));
  writeFileSync(join(folder, "deeper", "d.yaml"), "# d.yaml");
  const readme = join(folder, "README.md");
  const texts = await readManifestFiles([readme, folder]);
  assert.deepEqual(
    texts.map(({ text }) => text),
    ["# README.md", "# a.yaml", "# b.yml", "# c.json"],
  );
  assert.equal(texts[1]?.name, join(folder, "a.yaml"));
});

test("every path that cannot be read is named at once", async (t) => {
  const empty = mkdtempSync(join(tmpdir(), "manifest-files-"));
  t.after(() => rmSync(empty, { recursive: true }));
  await assert.rejects(readManifestFiles(["/nowhere.yaml", empty]), (error) => {
    assert.ok(error instanceof OutriggerError);
    assert.deepEqual(
      error.problems.map(({ value }) => value),
      ["/nowhere.yaml", empty],
    );
    assert.match(error.message, /a folder without .yaml/);
    return true;
  });
});
