import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { patchText } from "./patch-text.ts";

test("a patch reads back as it was, however long its strings", () => {
  const long = fc.string({ minLength: 0, maxLength: 3 }).map((text) => `"\\${text}é`.repeat(1_000));
  const value = fc.jsonValue({ depthSize: "medium" });
  const any = fc.oneof(value, long, fc.array(fc.oneof(value, long)), fc.dictionary(fc.string(), fc.oneof(value, long)));
  fc.assert(
    fc.property(fc.array(fc.record({ op: fc.constant("add" as const), path: fc.string(), value: any })), (patch) => {
      assert.equal(patchText(patch), JSON.stringify(patch));
    }),
  );
});

test("keys that name a prototype stay keys", () => {
  const value = JSON.parse(`{"__proto__":"${"x".repeat(3_000)}","constructor":{"a":1}}`);
  const text = patchText([{ op: "add", path: "/spec", value }]);
  assert.equal(text, JSON.stringify([{ op: "add", path: "/spec", value }]));
});
