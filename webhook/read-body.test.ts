import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { readBody } from "./read-body.ts";

/** A request with these headers, whose body is still to come, and what becomes of reading it. */
function reading(headers: IncomingMessage["headers"], mostBytes = 10) {
  const body = new PassThrough();
  const outcome = new Promise<string>((resolve) => {
    readBody(Object.assign(body, { headers }) as unknown as IncomingMessage, mostBytes, (error, read) => {
      resolve(error === null ? `${read}` : `${"code" in error ? error.code : error.message}`);
    });
  });
  return { body, outcome };
}

test("a body in one piece, in several, and of the longest length", async () => {
  for (const pieces of [["abc"], ["ab", "", "c"], ["0123456789"], ["01234", "56789"]]) {
    const { body, outcome } = reading({});
    for (const piece of pieces) body.write(piece);
    body.end();
    assert.equal(await outcome, pieces.join(""));
  }
});

test("a longer one is refused by its announced length, or when it has come", async () => {
  assert.equal(await reading({ "content-length": "11" }).outcome, "FST_ERR_CTP_BODY_TOO_LARGE");
  const { body, outcome } = reading({});
  body.write("01234");
  body.write("567890");
  assert.equal(await outcome, "FST_ERR_CTP_BODY_TOO_LARGE");
  assert.deepEqual([body.listenerCount("data"), body.listenerCount("end"), body.listenerCount("error")], [0, 0, 0]);
});

test("a request that ends in the middle is the client's fault", async () => {
  const { body, outcome } = reading({});
  const error: Error & { statusCode?: number } = new Error("aborted");
  body.write("01");
  body.destroy(error);
  assert.equal(await outcome, "aborted");
  assert.equal(error.statusCode, 400);
});
