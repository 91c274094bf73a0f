import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseAllDocuments, stringify } from "yaml";
import type { JsonObject } from "../../mesh/pod.ts";
import { jsonPatch } from "../patch.ts";
import { patchedText, readYamlDocuments } from "./yaml-documents.ts";

const patchOne = (text: string, change: (value: JsonObject) => JsonObject) => {
  const [document] = readYamlDocuments(text, "test");
  assert.ok(document);
  const before = document.value as JsonObject;
  return patchedText(document, [{ path: [], operations: jsonPatch(before, change(before)) }]);
};

test("comments, quotes and layout of what is not changed stay", () => {
  const text = `# head
metadata:
  name: 'till' # its name
  labels: {app: till}
spec:
  # list
  containers:
  - name: till   # main
    args: ["-x", "yes"]
`;
  const expected = `# head
metadata:
  name: 'till' # its name
  labels: {app: till, a: b}
spec:
  # list
  containers:
  - name: till   # main
    args: ["-x", "yes"]
`;
  const change = (value: JsonObject) => ({ ...value, metadata: { name: "till", labels: { app: "till", a: "b" } } });
  assert.equal(patchOne(text, change), expected);
});

test("aliases and merge keys are written out, so that one place can change alone", () => {
  const text = "a: &x {k: 1, l: 2}\nb: *x\nc:\n  <<: *x\n  l: 3\n";
  const changed = patchOne(text, (value) => ({ ...value, a: { k: 9, l: 2 } }));
  assert.deepEqual(parseAllDocuments(changed)[0]?.toJS(), { a: { k: 9, l: 2 }, b: { k: 1, l: 2 }, c: { k: 1, l: 3 } });
});

test("strings that another reader may take for something else are quoted", () => {
  const tricky = [
    "yes",
    "on",
    "y",
    "~",
    "0777",
    "0o17",
    "1_000",
    "12:30",
    "1e3",
    ".5",
    "0x1F",
    "null",
    "",
    "- a",
    "a: b",
  ];
  const changed = patchOne("a: 1\n", (value) => ({ ...value, tricky }));
  const lines = changed.split("\n").filter((line) => line.startsWith("- "));
  assert.deepEqual(
    lines.map((line) => line.slice(2)),
    tricky.map((item) => JSON.stringify(item)),
  );
});

test("JSON stays JSON", () => {
  assert.deepEqual(JSON.parse(patchOne('{"a": 1}', (value) => ({ ...value, b: "yes" }))), { a: 1, b: "yes" });
});

test("a syntax error names the source and the line", () => {
  assert.throws(() => readYamlDocuments("a: [\n", "shop.yaml"), /shop\.yaml is not YAML: .*line 2/);
});

test("too many aliases are refused", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x]",
    ..."bcdefgh".split("").map((key, index) => {
      const previous = "abcdefg"[index];
      return `${key}: &${key} [${Array.from({ length: 9 }, () => `*${previous}`).join(",")}]`;
    }),
  ].join("\n");
  assert.throws(() => readYamlDocuments(bomb, "bomb.yaml"), /bomb\.yaml is not YAML: .*alias/);
});

const key = fc.constantFrom("name", "on", "a b", "k~", "x/y", "1", "#c");
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom("yes", "12:30", "a\nb\n", "---"),
    ),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(key, tie("any"), { maxKeys: 4 }),
  ),
})).any;
const object = fc.dictionary(key, value, { minKeys: 1, maxKeys: 4 }) as fc.Arbitrary<JsonObject>;

test("a patched document reads as the changed object, whatever it is", () => {
  fc.assert(
    fc.property(object, object, (from, to) => {
      const [before, after] = [JSON.parse(JSON.stringify(from)), JSON.parse(JSON.stringify(to))];
      const text = stringify(before, { version: "1.1" });
      const changed = patchOne(text, () => after);
      assert.deepEqual(readYamlDocuments(changed, "changed")[0]?.value, after);
    }),
  );
});
