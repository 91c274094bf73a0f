import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodePatch } from "./encode-patch.ts";
import type { PatchOperation } from "./patch.ts";

function assertEncoded(patch: readonly PatchOperation[]): void {
  assert.equal(Buffer.from(encodePatch(patch), "base64").toString(), JSON.stringify(patch));
}

test("a patch reads back as it was, however long its strings", () => {
  const long = fc.string({ minLength: 0, maxLength: 3 }).map((text) => `"\\${text}é`.repeat(1_000));
  const value = fc.jsonValue({ depthSize: "medium" });
  const any = fc.oneof(value, long, fc.array(fc.oneof(value, long)), fc.dictionary(fc.string(), fc.oneof(value, long)));
  const operation = fc.record({ op: fc.constant("add" as const), path: fc.string({ unit: "grapheme" }), value: any });
  fc.assert(fc.property(fc.array(operation), assertEncoded));
});

test("keys that name a prototype stay keys", () => {
  const value = JSON.parse(`{"__proto__":"${"x".repeat(3_000)}","constructor":{"a":1}}`);
  assertEncoded([{ op: "add", path: "/spec", value }]);
});

test("a patch of megabytes, and a small one after it", () => {
  const env = Array.from({ length: 20_000 }, (_unused, index) => ({ name: `V${index}`, value: "ü漢😀".repeat(10) }));
  assertEncoded([{ op: "add", path: "/spec/env", value: env }]);
  assertEncoded([{ op: "add", path: "/spec/text", value: "漢".repeat(500_000) }]);
  assertEncoded([{ op: "remove", path: "/spec" }]);
});
