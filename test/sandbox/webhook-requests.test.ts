import assert from "node:assert/strict";
import { connect as connectPlain } from "node:net";
import { test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { deploymentPod, reviewOf } from "../fixtures/deployment-review.ts";
import { startWebhook, type WebhookProcess } from "./webhook-process.ts";

const review = JSON.stringify(reviewOf(deploymentPod));
const brackets = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

/** What comes, what the answer must be, and what it must say. */
const bodies: Readonly<Record<string, readonly [body: string | Buffer, code: number, says: RegExp]>> = {
  empty: ["", 400, /body is empty/],
  "not JSON": ["\u0000\u0001\u0002", 400, /body is not JSON/],
  "not UTF-8": [Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400, /apiVersion|Object/],
  "10 MB": [Buffer.alloc(10_000_000, "a"), 413, /larger than 6291456 bytes/],
  "6 MiB of brackets": ["[".repeat(6 * 1024 * 1024), 400, /nested too deeply/],
  "a tower of brackets": [brackets(3_000_000), 400, /nested too deeply/],
  "a list": ["[]", 400, /apiVersion is missing/],
  "a number": ["1e999", 400, /must be Object/],
  "another kind": ['{"apiVersion":"v1","kind":"Pod"}', 400, /kind \\"Pod\\" must be \\"AdmissionReview\\"/],
  "no request": ['{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', 400, /request is missing/],
  "no object": [review.replace(/"object":\{.*\},"oldObject"/, '"oldObject"'), 400, /request.object is missing/],
  "an object that is null": [
    review.replace(/"object":\{.*\},"oldObject"/, '"object":null,"oldObject"'),
    400,
    /request.object \\"null\\" must be an object/,
  ],
  "a Pod without spec": [review.replace('"spec":{', '"specification":{'), 200, /"allowed":false.*spec is missing/],
  "a Pod with a wrong type": [
    review.replace('"containers":[', '"containers":{"a":[').replace(/\],"restartPolicy"/, ']},"restartPolicy"'),
    200,
    /"allowed":false.*spec.containers/,
  ],
  "keys given twice": [review.replace('"uid":"2a4c', '"uid":"first","uid":"2a4c'), 200, /"uid":"2a4c.*"allowed":true/],
  "keys named __proto__": [
    review.replace('"priority":0', '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}'),
    200,
    /"allowed":true/,
  ],
  "a field nested 9,000 deep": [review.replace('"priority":0', `"priority":${brackets(9_000)}`), 200, /"allowed":true/],
  "a lone surrogate": [review.replace('"priority":0', '"priority":"\\ud800"'), 200, /"allowed":true/],
};

test("every body is answered, and the server goes on", async (t) => {
  const webhook = await startWebhook(t);
  for (const [name, [body, code, says]] of Object.entries(bodies)) {
    await t.test(name, async () => {
      const answer = await webhook.post(body);
      assert.equal(answer.code, code, answer.body.slice(0, 500));
      assert.match(answer.body, says);
    });
  }
  await t.test("another content type", async () => {
    assert.equal((await webhook.post(review, { "content-type": "text/plain" })).code, 415);
  });
  await t.test("10 MB without a length", async () => {
    const answer = await webhook.post(Buffer.alloc(10_000_000, "a"), { "transfer-encoding": "chunked" });
    assert.equal(answer.code, 413);
  });
  const { code, body } = await webhook.post(review);
  assert.equal(code, 200);
  assert.equal(JSON.parse(body).response.patchType, "JSONPatch");
  assert.equal(webhook.log.filter(({ level }) => level === "error").length, 0);
});

/** Writes bytes on a raw connection and returns all that came back until it closed. */
function exchange({ port }: WebhookProcess, options: ConnectionOptions | "plain", ...parts: string[]): Promise<string> {
  return new Promise((done) => {
    let received = "";
    const target = { host: "127.0.0.1", port };
    const socket =
      options === "plain" ? connectPlain(target) : connectTls({ ...target, servername: "localhost", ...options });
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      received += error.code ?? error.message;
    });
    socket.once("close", () => done(received));
    for (const part of parts) socket.write(part);
  });
}

test("what is not HTTPS ends by itself", async (t) => {
  const webhook = await startWebhook(t, ["--request-timeout", "1"]);
  const ca = webhook.authority.pem.certificate;
  await t.test("a body that never ends is cut off with 408", async () => {
    const head = "POST /inject HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    const answer = await exchange(webhook, { ca }, head, "{");
    assert.match(answer, /^HTTP\/1.1 408 .*took too long to arrive/s);
  });
  await t.test("headers that never end are cut off too", async () => {
    assert.match(await exchange(webhook, { ca }, "POST /inject HTTP/1.1\r\nhost: a\r\n"), /^HTTP\/1.1 408 /);
  });
  await t.test("headers without end are a 431", async () => {
    const answer = await exchange(webhook, { ca }, `GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(40_000)}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1.1 431 /);
  });
  await t.test("garbage in TLS is a 400", async () => {
    assert.match(await exchange(webhook, { ca }, "NONSENSE\r\n\r\n"), /^HTTP\/1.1 400 /);
  });
  await t.test("plain HTTP is closed", async () => {
    assert.doesNotMatch(await exchange(webhook, "plain", "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"), /200 OK/);
  });
  await t.test("TLS 1.1 is refused", async () => {
    const answer = await exchange(webhook, {
      ca,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "ALL:@SECLEVEL=0",
    });
    assert.match(answer, /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
  });
  assert.equal((await webhook.get("/readyz")).code, 200);
});

test("connections over the limit are told to come back", async (t) => {
  const webhook = await startWebhook(t, ["--max-connections", "1"]);
  const options = {
    host: "127.0.0.1",
    port: webhook.port,
    servername: "localhost",
    ca: webhook.authority.pem.certificate,
  };
  const first = connectTls(options);
  await new Promise((open) => first.once("secureConnect", open));
  t.after(() => first.destroy());
  const { code, body } = await webhook.post(review);
  assert.equal(code, 429);
  assert.match(body, /more than 1 connections are open/);
  assert.equal((await webhook.get("/healthz")).code, 200, "probes are answered all the same");
});
