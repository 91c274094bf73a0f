import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nestsTooDeeply } from "./json-depth.ts";

const nested = (depth: number, open = "[", close = "]") => open.repeat(depth) + close.repeat(depth);

const cases: Readonly<Record<string, readonly [text: string, tooDeep: boolean]>> = {
  "as deep as the API server reads": [nested(10_000), false],
  "one deeper": [nested(10_001), true],
  objects: [nested(10_001, '{"a":', "}"), true],
  "side by side is not deep": [`[${"[],".repeat(20_000)}[]]`, false],
  "brackets in a string are text": [JSON.stringify("[".repeat(20_000)), false],
  "a string that ends in a backslash": [`["${"\\\\"}", "${"[".repeat(20_000)}"]`, false],
  "a quote in a string does not end it": [`["\\"${"[".repeat(20_000)}"]`, false],
  "an unfinished string": [`"${"[".repeat(20_000)}`, false],
};

for (const [name, [text, tooDeep]] of Object.entries(cases)) {
  test(name, () => assert.equal(nestsTooDeeply(text), tooDeep));
}

test("what JSON.stringify writes is measured right", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify([value, "x".repeat(10_001)]);
      assert.equal(nestsTooDeeply(text), false);
      assert.equal(nestsTooDeeply(nested(10_000).replace("[]", () => `[${text}]`)), true);
    }),
    { numRuns: 20 },
  );
});
