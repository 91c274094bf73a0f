import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Copy, DockerfileParser, type Instruction } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { environment, processes } from "./images.ts";

// The Containerfile runs only where there are an engine and a registry. What it says is checked everywhere.

const text = await readFile(join(import.meta.dirname, "Containerfile"), "utf8");
const file = DockerfileParser.parse(text);
const froms = file.getFROMs();

/** The instructions of a stage, after its FROM. */
function stage(name: string): Instruction[] {
  const index = froms.findIndex((from) => from.getBuildStage() === name);
  const start = froms[index]?.getRange().start.line ?? Number.POSITIVE_INFINITY;
  const end = froms[index + 1]?.getRange().start.line ?? Number.POSITIVE_INFINITY;
  return file.getInstructions().filter((each) => {
    const { line } = each.getRange().start;
    return line > start && line < end;
  });
}

function only(instructions: readonly Instruction[], keyword: string): string | undefined {
  const found = instructions.filter((each) => each.getKeyword() === keyword);
  assert.ok(found.length <= 1, `${found.length} times ${keyword}`);
  return found[0]?.getArgumentsContent() ?? undefined;
}

test("the Containerfile has no errors and no warnings", () => {
  assert.deepEqual(
    validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`),
    [],
  );
});

test("base images are pinned by digest", () => {
  const bases = froms.filter((from) => from.getImage() !== "scratch");
  assert.ok(bases.length > 0);
  for (const from of bases) assert.match(from.getImageDigest() ?? "", /^sha256:[0-9a-f]{64}$/, from.getImage() ?? "");
});

for (const [name, process] of Object.entries(processes)) {
  test(`target ${name} starts from nothing, gets its folder, and runs what the archive runs`, () => {
    const instructions = stage(name);
    assert.equal(froms.find((from) => from.getBuildStage() === name)?.getImage(), "scratch");
    const allowed = new Set(["COPY", "USER", "ENV", "ENTRYPOINT"]);
    assert.deepEqual(
      instructions.map((each) => each.getKeyword()).filter((keyword) => !allowed.has(keyword)),
      [],
    );
    const [copy] = instructions.filter((each) => each instanceof Copy);
    assert.equal(copy?.getFromFlag()?.getValue(), "build");
    assert.equal(only(instructions, "COPY"), `/roots/${name} /`);
    assert.equal(only(instructions, "USER"), "user" in process ? process.user : undefined);
    const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
    assert.equal(only(instructions, "ENV"), variables.join(" "));
    assert.deepEqual(JSON.parse(only(instructions, "ENTRYPOINT") ?? ""), process.entrypoint);
  });
}
