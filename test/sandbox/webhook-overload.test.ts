import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { deploymentPod, reviewOf } from "../fixtures/deployment-review.ts";
import { startWebhook, type WebhookProcess } from "./webhook-process.ts";

const review = JSON.stringify(reviewOf(deploymentPod));
const largest = 6 * 1024 * 1024;

/** Opens a connection that announces a body, sends the first part of it, and then nothing more. */
function holdBack(t: TestContext, { port, authority }: WebhookProcess, sent: Buffer): Promise<TLSSocket> {
  const head = `POST /inject HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${largest}\r\n\r\n`;
  return new Promise((done, fail) => {
    const ca = authority.pem.certificate;
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca }, () => {
      socket.write(head);
      socket.write(sent, () => done(socket));
    });
    // The server cuts it off in the end.
    socket.on("error", fail);
    t.after(() => socket.destroy());
  });
}

function peakMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return (Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024) / 1e6;
}

test("slow and huge bodies are bounded, and ordinary Pods are answered meanwhile", { timeout: 60_000 }, async (t) => {
  const webhook = await startWebhook(t, ["--request-timeout", "60"]);
  const almostAll = Buffer.alloc(largest - 1024, " ");
  await Promise.all(Array.from({ length: 10 }, () => holdBack(t, webhook, almostAll)));
  // 60 of 64 MiB are taken: one more of that size is not, at once and with a reason.
  const refused = await webhook.post(Buffer.alloc(largest, " "));
  assert.equal(refused.code, 429);
  assert.match(refused.body, /are being received; try again in a second/);

  const idle = Array.from({ length: 200 }, () => holdBack(t, webhook, Buffer.from("{")).catch(() => undefined));
  const answers = await Promise.all(Array.from({ length: 50 }, () => webhook.post(review)));
  assert.deepEqual([...new Set(answers.map(({ code }) => code))], [200]);
  await Promise.all(idle);
  assert.equal((await webhook.get("/readyz")).code, 200);
  const peak = peakMegabytes(webhook.process.pid ?? 0);
  t.diagnostic(`${peak.toFixed(0)} MB at most`);
  // The container's memory limit.
  assert.ok(peak < 384, `${peak} MB`);
});
