import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

/**
 * Which folders a folder may import from, besides itself. Imports go one way:
 * mesh ← host, kubernetes ← init, cni, webhook, discovery, sandbox; the cli may see all.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  mesh: [],
  host: ["mesh"],
  init: ["mesh", "host"],
  kubernetes: ["mesh"],
  cni: ["mesh", "host", "kubernetes"],
  webhook: ["mesh", "host", "kubernetes"],
  discovery: ["mesh", "host", "kubernetes"],
  sandbox: ["mesh", "host"],
  deploy: ["mesh"],
  cli: ["mesh", "host", "kubernetes", "init", "cni", "webhook", "discovery", "sandbox", "deploy"],
};

/** The pure core: no module of Node's that touches the world. */
const pureFolders = ["mesh"];
const effectModules = /^node:(fs|net|http|https|child_process|process|os|dgram|tls|cluster|worker_threads)/;

const longestFileLines = 200;

const root = normalize(join(import.meta.dirname, ".."));
const sources = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], { cwd: root })
  .toString()
  .split("\n")
  .filter(
    (file) => file !== "" && !file.endsWith(".test.ts") && !/^(test|bench|node_modules|discovery\/proto)\//.test(file),
  );

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

for (const file of sources) {
  const folder = file.split("/")[0] ?? "";
  test(`${file} keeps to the import and size rules`, () => {
    for (const specifier of importsOf(file)) {
      if (pureFolders.includes(folder)) assert.doesNotMatch(specifier, effectModules, "mesh/ is pure");
      if (!specifier.startsWith(".")) continue;
      const target = normalize(join(dirname(file), specifier)).split("/")[0] ?? "";
      if (target === folder || target === "package.json") continue;
      assert.ok(mayImport[folder]?.includes(target), `${folder}/ must not import from ${target}/ (${specifier})`);
    }
    const lines = readFileSync(join(root, file), "utf8").split("\n").length;
    assert.ok(lines <= longestFileLines, `${lines} lines; split it (limit ${longestFileLines})`);
  });
}
