import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jsonLines } from "./json-lines.ts";

async function* pieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function read(chunks: AsyncIterable<Buffer>): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of jsonLines(chunks, 1 << 20)) values.push(value);
  return values;
}

test("property: values come out whole, however the stream is cut", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), fc.integer({ min: 1, max: 40 }), async (values, size) => {
      // As JSON has it: there is no negative zero.
      const wanted: unknown[] = JSON.parse(JSON.stringify(values));
      const text = wanted.map((value) => `${JSON.stringify(value)}\n`).join("");
      assert.deepEqual(await read(pieces(text, size)), wanted);
    }),
  );
});

test("a line that was cut, and empty lines, are left out", async () => {
  assert.deepEqual(await read(pieces('1\n\n \n{"a":2}\n{"b":', 3)), [1, { a: 2 }]);
});

test("what is no JSON is an error, and so is a line without an end", async () => {
  await assert.rejects(read(pieces("<html>\n", 100)), SyntaxError);
  async function* endless() {
    for (;;) yield Buffer.alloc(1 << 16, 0x20);
  }
  await assert.rejects(read(endless()), /a line is longer than 1048576 bytes/);
});
