import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { connect } from "node:tls";
import { createAuthority } from "../../host/x509.ts";
import { deploymentPod, reviewOf } from "../fixtures/deployment-review.ts";
import { mountSecret, newLeaf, startWebhook, type WebhookProcess } from "./webhook-process.ts";

const review = JSON.stringify(reviewOf(deploymentPod));

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

/** The fingerprint of the certificate that a new connection gets. */
function servedFingerprint({ port, authority }: WebhookProcess): Promise<string> {
  return new Promise((done, fail) => {
    const ca = authority.pem.certificate;
    const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca }, () => {
      done(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once("error", fail);
  });
}

test("certificates rotate under load without a failed request", async (t) => {
  const webhook = await startWebhook(t, ["--log-level", "info"]);
  let rotating = true;
  let answered = 0;
  const call = async () => {
    while (rotating) {
      // Each request opens a connection, and so sees the certificate of its moment.
      const { code } = await webhook.post(review);
      assert.equal(code, 200);
      answered += 1;
    }
  };
  const callers = Promise.all([call(), call(), call()]);
  for (let round = 0; round < 10; round += 1) {
    const seen = webhook.log.length;
    const leaf = await newLeaf(webhook.authority);
    mountSecret(webhook.folder, leaf);
    const { fingerprint } = await webhook.logged("serving certificate", seen);
    assert.equal(fingerprint, fingerprintOf(leaf.certificate));
    assert.equal(await servedFingerprint(webhook), fingerprint);
  }
  rotating = false;
  await callers;
  assert.ok(answered > 10, `${answered} requests`);
  const { body } = await webhook.get("/metrics");
  assert.match(body, /outrigger_webhook_certificate_loads_total\{result="loaded"\} 11/);
});

test("a pair that does not belong together is refused, and the one before stays", async (t) => {
  const webhook = await startWebhook(t);
  const before = await servedFingerprint(webhook);
  const one = await newLeaf(webhook.authority);
  const other = await newLeaf(webhook.authority);
  mountSecret(webhook.folder, { certificate: one.certificate, privateKey: other.privateKey });
  const { reason } = await webhook.logged("certificate refused; the one before stays");
  assert.match(String(reason), /tls.crt and .*tls.key is no certificate with its key: .*mismatch/);
  assert.equal(await servedFingerprint(webhook), before);

  mountSecret(webhook.folder, one);
  await webhook.logged("serving certificate", 2);
  assert.equal(await servedFingerprint(webhook), fingerprintOf(one.certificate));
});

test("an expired certificate is refused", async (t) => {
  const webhook = await startWebhook(t);
  const past = new Date(Date.now() - 7_200_000);
  const authority = await createAuthority({ commonName: "past", lifetimeMs: 3_600_000, now: past });
  mountSecret(webhook.folder, await newLeaf(authority));
  const { reason } = await webhook.logged("certificate refused; the one before stays");
  assert.match(String(reason), /expired at/);
  assert.equal((await webhook.get("/readyz")).code, 200);
});
