import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { deploymentPod, reviewOf } from "../fixtures/deployment-review.ts";
import { startWebhook, type WebhookProcess } from "./webhook-process.ts";

const review = JSON.stringify(reviewOf(deploymentPod));

function open({ port, authority }: WebhookProcess): Promise<TLSSocket> {
  return new Promise((done, fail) => {
    const ca = authority.pem.certificate;
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca }, () => done(socket));
    socket.once("error", fail);
  });
}

/** All that comes back until the connection closes. */
async function rest(socket: TLSSocket): Promise<string> {
  return Buffer.concat((await socket.toArray()) as Buffer[]).toString();
}

async function portClosed(webhook: WebhookProcess): Promise<void> {
  for (;;) {
    const outcome = await open(webhook).then(
      (socket) => socket.destroy(),
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (outcome === "ECONNREFUSED") return;
  }
}

const head = `POST /inject HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(review)}\r\n\r\n`;

test("a request that is under way when SIGTERM comes is answered", async (t) => {
  const webhook = await startWebhook(t);
  const socket = await open(webhook);
  socket.write(head + review.slice(0, 1000));
  // The server has the first half once it counts the request.
  let metrics = "";
  while (!/outrigger_webhook_requests_in_flight 1/.test(metrics)) metrics = (await webhook.get("/metrics")).body;

  webhook.process.kill("SIGTERM");
  await webhook.logged("draining");
  await portClosed(webhook);
  socket.write(review.slice(1000));
  const [answerHead = "", body = "{}"] = (await rest(socket)).split("\r\n\r\n");
  assert.match(answerHead, /^HTTP\/1.1 200 OK/);
  assert.match(answerHead, /connection: close/i);
  assert.equal(JSON.parse(body).response.patchType, "JSONPatch");
  assert.deepEqual(await webhook.ended, { code: 0, signal: null });
  assert.equal((await webhook.logged("stopped")).clean, true);
});

test("while it drains it is not ready, and serves on", async (t) => {
  const webhook = await startWebhook(t, ["--drain-delay", "600"]);
  assert.equal((await webhook.get("/readyz")).code, 200);
  webhook.process.kill("SIGTERM");
  await webhook.logged("draining");
  assert.match((await webhook.get("/readyz")).body, /shutting down/);
  const { code, connection } = await webhook.post(review);
  assert.deepEqual([code, connection], [200, "close"]);
});

test("a second signal ends it at once", async (t) => {
  const webhook = await startWebhook(t, ["--drain-delay", "600"]);
  webhook.process.kill("SIGTERM");
  await webhook.logged("draining");
  webhook.process.kill("SIGTERM");
  assert.equal((await webhook.ended).signal, "SIGTERM");
});

test("a request that never ends does not hold the end up", async (t) => {
  const webhook = await startWebhook(t, ["--drain-timeout", "1"]);
  const socket = await open(webhook);
  socket.on("error", () => undefined);
  socket.write(head);
  webhook.process.kill("SIGTERM");
  assert.deepEqual(await webhook.ended, { code: 0, signal: null });
  assert.equal((await webhook.logged("stopped")).clean, false);
});
