import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { chartFiles, chartFolder } from "./helm/chart.ts";
import { renderAll, renderedFolder } from "./rendered.ts";

test("the committed YAML is what the manifests render to", async () => {
  const files = renderAll();
  assert.deepEqual((await readdir(renderedFolder)).sort(), Object.keys(files).sort(), "run make manifests");
  for (const [name, text] of Object.entries(files)) {
    assert.equal(await readFile(join(renderedFolder, name), "utf8"), text, `${name} is stale: run make manifests`);
  }
});

test("the rendered YAML has no anchors, and no object twice", () => {
  for (const [name, text] of Object.entries(renderAll())) {
    assert.doesNotMatch(text, /[&*]a\d+/);
    const keys = parseAllDocuments(text).map((document) => {
      const { kind, metadata } = document.toJS() as { kind: string; metadata: { name: string } };
      return `${kind}/${metadata.name}`;
    });
    assert.equal(new Set(keys).size, keys.length, name);
  }
});

test("the committed chart is what the manifests make of it", async () => {
  const files = chartFiles();
  const committed = await readdir(join(chartFolder, "templates"));
  const generated = Object.keys(files).filter((name) => name.startsWith("templates/"));
  assert.deepEqual(committed.map((name) => `templates/${name}`).sort(), generated.sort(), "run make manifests");
  for (const [name, text] of Object.entries(files)) {
    assert.equal(await readFile(join(chartFolder, name), "utf8"), text, `${name} is stale: run make manifests`);
  }
});
