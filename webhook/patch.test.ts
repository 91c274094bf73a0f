import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import fastJsonPatch from "fast-json-patch";
import type { JsonObject } from "../mesh/pod.ts";
import { jsonPatch } from "./patch.ts";

const apply = (before: JsonObject, after: JsonObject) =>
  fastJsonPatch.applyPatch(structuredClone(before), jsonPatch(before, after) as fastJsonPatch.Operation[], true)
    .newDocument;

const name = fc.constantFrom("a", "b", "c", "d", "e/f", "g~h");
const keyedList = fc.uniqueArray(
  fc.record(
    { name, value: fc.oneof(fc.string(), fc.array(fc.integer(), { maxLength: 3 })) },
    { requiredKeys: ["name"] },
  ),
  { selector: (item) => item.name, maxLength: 6 },
);
const object = fc.dictionary(name, fc.oneof(keyedList, fc.jsonValue({ maxDepth: 3 })), {
  maxKeys: 4,
}) as fc.Arbitrary<JsonObject>;

test("a patch turns the first object into the second, whatever they are", () => {
  fc.assert(
    fc.property(object, object, (before, after) => {
      const [from, to] = [JSON.parse(JSON.stringify(before)), JSON.parse(JSON.stringify(after))];
      assert.deepEqual(apply(from, to), to);
    }),
  );
});

test("the same object needs no patch", () => {
  fc.assert(fc.property(object, (value) => assert.deepEqual(jsonPatch(value, structuredClone(value)), [])));
});

const list = (...names: string[]) => ({ list: names.map((item) => ({ name: item, image: `${item}:1` })) });

const moves: { from: string[]; to: string[]; operations: string[] }[] = [
  { from: ["app"], to: ["proxy", "app"], operations: ["add /list/0"] },
  { from: ["app"], to: ["app", "proxy"], operations: ["add /list/1"] },
  { from: ["proxy", "a", "b", "c"], to: ["a", "b", "c", "proxy"], operations: ["move /list/3"] },
  { from: ["a", "b", "c", "proxy"], to: ["proxy", "a", "b", "c"], operations: ["move /list/0"] },
  { from: ["a", "b", "c"], to: ["a", "c"], operations: ["remove /list/1"] },
];

for (const { from, to, operations } of moves) {
  test(`patch from ${from} to ${to}: ${operations}`, () => {
    const patch = jsonPatch(list(...from), list(...to));
    assert.deepEqual(
      patch.map(({ op, path }) => `${op} ${path}`),
      operations,
    );
    assert.deepEqual(apply(list(...from), list(...to)), list(...to));
  });
}
